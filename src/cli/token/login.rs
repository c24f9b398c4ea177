//! The login of quilt3, as quilt3 8.0.0 keeps it.
//!
//! Facts, read from quilt3 8.0.0's source: `util.py` keeps everything in platformdirs' `user_data_dir("Quilt",
//! "QuiltData")`, which on Unix leaves the author out; `config.yml` there is a flat YAML mapping with `registryUrl` and
//! `navigator_url` (the catalog), either of which may be null. `session.py` keeps `auth.json` there: an object from
//! registry URL, spelt as in the config, to `refresh_token`, `access_token` and `expires_at` in seconds since 1970;
//! `logout` leaves an empty object. An access token with less than a minute left is renewed at its next use, which also
//! replaces the refresh token. API keys (`login_with_api_key`) are kept in quilt3's memory only.
//!
//! Read-only: a renewal here would replace the refresh token in quilt3's own file.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::times::beside;
use crate::identity::BearerToken;
use crate::setting::BaseUrl;

/// The lifetime below which quilt3 itself no longer uses an access token.
const MIN_LIFETIME: SignedDuration = SignedDuration::from_mins(1);

/// A login that has not expired.
pub(super) struct Login {
    /// The registry that the access token is for.
    pub registry: BaseUrl,
    /// The catalog that quilt3 is configured for.
    pub catalog: Option<BaseUrl>,
    /// The bearer for the registry.
    pub access_token: BearerToken,
    /// When the access token ends.
    pub expires_at: Timestamp,
}

/// Why no login can be used. The messages say what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoLogin {
    #[error("quilt3's files cannot be found: neither HOME nor XDG_DATA_HOME is set")]
    NoHome,
    #[error("{path} cannot be read: {problem}", path = .0.display(), problem = .1)]
    Unreadable(PathBuf, std::io::Error),
    #[error("{path} is not as quilt3 8 writes it; expected {expected}", path = .0.display(), expected = .1)]
    Malformed(PathBuf, &'static str),
    #[error(
        "quilt3 is not configured for a catalog ({path} names no registryUrl). Run `quilt3 config https://YOUR-CATALOG` \
         and then `quilt3 login`", path = .0.display()
    )]
    NotConfigured(PathBuf),
    #[error("quilt3 is not logged in ({path} has no login at {registry}). Run `quilt3 login`", path = .path.display())]
    NotLoggedIn { registry: String, path: PathBuf },
    #[error(
        "quilt3 is configured for the registry {registry} and not logged in there, only at {others}. Run `quilt3 login`, \
         or `quilt3 config` with the catalog of a registry where it is logged in"
    )]
    LoggedInElsewhere { registry: String, others: String },
    #[error(
        "quilt3's login is at another place than the configured one: quilt3 has {found}, and {name} says {wanted}. Run \
         `quilt3 config` with that catalog and `quilt3 login`, or correct {name}"
    )]
    Other {
        found: String,
        name: &'static str,
        wanted: String,
    },
    #[error(
        "the access token of quilt3's login at {registry} has expired ({at}). Let quilt3 renew it with `python -c 'import \
         quilt3; quilt3.session.get_session()'`, or run `quilt3 login`. It is not renewed here, because that would \
         replace the refresh token in quilt3's own file"
    )]
    Expired { registry: String, at: String },
}

#[derive(Default, Deserialize)]
struct ConfigFile {
    #[serde(rename = "registryUrl")]
    registry: Option<String>,
    #[serde(rename = "navigator_url")]
    catalog: Option<String>,
}

/// The refresh token beside these is not read.
#[derive(Deserialize)]
struct Entry {
    access_token: SecretString,
    expires_at: f64,
}

/// Returns quilt3's directory. Like platformdirs, ignores a relative `XDG_DATA_HOME`.
pub(super) fn directory(xdg_data_home: Option<&Path>) -> Result<PathBuf, NoLogin> {
    let below = if cfg!(target_os = "macos") {
        "Library/Application Support"
    } else {
        ".local/share"
    };
    let at_home = || {
        std::env::home_dir()
            .filter(|home| home.is_absolute())
            .map(|home| home.join(below))
    };
    let data = xdg_data_home
        .filter(|path| path.is_absolute())
        .map(Path::to_owned)
        .or_else(at_home);
    let data = data.ok_or(NoLogin::NoHome)?;
    Ok(data.join("Quilt"))
}

/// Returns the current login: the one at the registry that quilt3 is configured for.
pub(super) fn current(directory: &Path, now: Timestamp) -> Result<Login, NoLogin> {
    let (config_path, auth_path) = (directory.join("config.yml"), directory.join("auth.json"));
    let no_config = || NoLogin::Malformed(config_path.clone(), "a YAML mapping with URLs");
    let config: ConfigFile = match read(&config_path)? {
        None => ConfigFile::default(),
        Some(text) if text.trim().is_empty() => ConfigFile::default(),
        Some(text) => serde_saphyr::from_str(&text).map_err(|_| no_config())?,
    };
    let Some(key) = config.registry.filter(|url| !url.is_empty()) else {
        return Err(NoLogin::NotConfigured(config_path));
    };
    let registry: BaseUrl = key.parse().map_err(|_| no_config())?;
    let catalog = config.catalog.filter(|url| !url.is_empty());
    let catalog = catalog
        .map(|url| url.parse())
        .transpose()
        .map_err(|_: String| no_config())?;

    // The parser's message could quote the file, and with it a token.
    let no_auth = || NoLogin::Malformed(auth_path.clone(), "a JSON object of logins by registry URL");
    let mut logins: BTreeMap<String, Entry> = match read(&auth_path)? {
        None => BTreeMap::new(),
        Some(text) => serde_json::from_str(SecretString::from(text).expose_secret()).map_err(|_| no_auth())?,
    };
    let Some(entry) = logins.remove(&key) else {
        return Err(if logins.is_empty() {
            NoLogin::NotLoggedIn {
                registry: key,
                path: auth_path,
            }
        } else {
            let others = logins.into_keys().collect::<Vec<_>>().join(", ");
            NoLogin::LoggedInElsewhere { registry: key, others }
        });
    };
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked on the same line")]
    let expires_at = Some(entry.expires_at)
        .filter(|s| s.abs() < 1e11)
        .map(|s| s.floor() as i64);
    let expires_at = expires_at
        .and_then(|s| Timestamp::from_second(s).ok())
        .ok_or_else(no_auth)?;
    if expires_at.duration_since(now) < MIN_LIFETIME {
        return Err(NoLogin::Expired {
            registry: key,
            at: beside(expires_at, now),
        });
    }
    let access_token = BearerToken::parse(entry.access_token.expose_secret()).map_err(|_| no_auth())?;
    Ok(Login {
        registry,
        catalog,
        access_token,
        expires_at,
    })
}

/// Refuses a login at another place than `wanted`, the value of the setting `name`.
pub(super) fn must_be(found: Option<&BaseUrl>, name: &'static str, wanted: Option<&BaseUrl>) -> Result<(), NoLogin> {
    let shown = |url: &BaseUrl| url.to_string();
    match wanted {
        Some(wanted) if found.map(shown) != Some(shown(wanted)) => {
            let found = found.map_or_else(|| "none".to_owned(), shown);
            Err(NoLogin::Other {
                found,
                name,
                wanted: shown(wanted),
            })
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Option<String>, NoLogin> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(NoLogin::Unreadable(path.to_owned(), error)),
    }
}
