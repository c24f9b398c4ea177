"""What a model should get of the calls in `run.py`, whichever agent it works for."""

from provider import DONE

# Agents hide longer results, or pay for them; a picture beside its base64 is longer by far.
LONGEST_TEXT = 4000
# The beginning of every PNG in base64.
PNG_AS_TEXT = "iVBORw0KGgo"
# What an agent finds wrong with arguments by the tool's schema, so that the server is not asked.
REFUSED_BY_CLIENT = {
    "gemini-cli": {
        "nulls": "params/prefix must be string",
        "unknown argument": "params must NOT have additional properties",
    },
}


def faults_of(report):
    """Everything that is not as it should be, as sentences."""
    client, got, expected = report["client"], report["got"], report["expected"]
    faults = []

    def check(holds, sentence):
        if not holds:
            faults.append(f"{client}: {sentence}")

    check(report["code"] == 0, f"it ended with {report['code']}")
    check(DONE in report["stdout"], "it did not print the model's last words")
    check(not report["unknown"], f"it asked the provider for {report['unknown']}")
    calls = ["small picture", "large picture", "denied", "nulls", "unknown argument", "plain"]
    check(list(got) == calls, f"it answered only {list(got)} of {calls}")

    for name in ("small picture", "large picture"):
        parts = got.get(name, {"parts": []})["parts"]
        images = [part for part in parts if part["type"] == "image"]
        check(images == [expected[name]], f"{name}: the model should see {expected[name]}, and got the images {images}")
        texts = [part["text"] for part in parts if part["type"] == "text"]
        check(all(len(it) <= LONGEST_TEXT for it in texts), f"{name}: beside it are texts of {[len(it) for it in texts]}")
        check(not any(PNG_AS_TEXT in it for it in texts), f"{name}: its base64 came as text")

    wanted = {"denied": expected["denied"], "unknown argument": expected["unknown argument"],
              "nulls": "plankton/images/gradient.png", "plain": "permission_level"}
    for name, sentence in wanted.items():
        result = got.get(name, {"parts": []})
        told = "\n".join(part["text"] for part in result["parts"] if part["type"] == "text")
        own = REFUSED_BY_CLIENT.get(client, {}).get(name)
        check(sentence in told or (own is not None and own in told), f"{name}: {sentence!r} is not in {told!r}")
        # Only Anthropic's API marks errors.
        is_failure = name in ("denied", "unknown argument")
        check(result.get("is_error", is_failure) == is_failure, f"{name}: it is marked as the opposite of what it is")
    return faults
