"""The real quilt3 configures itself, logs in and logs out: `python quilt3_login.py config URL | login TOKEN | logout`.

Its own functions write its files, in the place that the environment says. Prints where that is.
"""

import sys

import quilt3

verb, arguments = sys.argv[1], sys.argv[2:]
if verb == "config":
    quilt3.config(*arguments)
elif verb == "login":
    quilt3.session.login_with_token(*arguments)
elif verb == "logout":
    quilt3.logout()
else:
    raise SystemExit(f"unknown: {verb}")
print(quilt3.util.BASE_DIR)
