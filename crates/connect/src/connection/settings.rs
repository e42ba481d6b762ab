//! Whether what a connection is made of is known and complete, before it is made.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::{Auth, Connection, HEADER, Secrets};
use crate::manifest::Manifest;
use crate::{Error, mail, transport};

/// Settings of every service over HTTP, besides those that its manifest names.
const OVER_HTTP: &[&str] = &[
    "access_key_id",
    "audience",
    "authorize_url",
    "client_auth",
    "client_id",
    "header",
    "hosts",
    "instance_url",
    "jwt_audience",
    "key_id",
    "prefix",
    "redirect_uri",
    "region",
    "revoke_url",
    "scope",
    "service",
    "token_url",
    "username",
];

/// Settings of a mail server.
const MAIL: &[&str] = &["from", "host", "port", "security", "username"];

/// Secrets that a person gives, besides headers.
const SECRETS: &[&str] = &["client_secret", "password", "private_key", "secret_access_key", "session_token", "token"];

/// The settings of a connection to `connector`: those given, and those that follow from them.
///
/// # Errors
///
/// [`Error::Setting`] if the service has no such setting, or a setting no such value.
pub fn settled(connector: &str, mut given: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Error> {
    let manifest = Manifest::own().get(connector);
    let of_all = if connector == "smtp" { MAIL } else { OVER_HTTP };
    let mut known: BTreeSet<&str> = of_all.iter().copied().collect();
    if let Some(Manifest { auth, .. }) = manifest {
        known.extend(auth.settings.keys().chain(auth.derived.keys()).map(String::as_str));
    }
    if let Some(unknown) = given.keys().find(|name| !known.contains(name.as_str())) {
        let names = known.into_iter().collect::<Vec<_>>().join(", ");
        let problem = format!("a connection to {connector} has no setting \"{unknown}\"");
        return Err(Error::setting(problem, format!("its settings are {names}")));
    }
    if let Some(manifest) = manifest {
        for (name, choices) in &manifest.auth.choices {
            one_of(name, given.get(name).map(String::as_str), choices)?;
        }
        manifest.derive(&mut given)?;
    }
    Ok(given)
}

/// Refuses a setting that is there and none of its choices.
pub(crate) fn one_of(name: &str, value: Option<&str>, choices: &[impl AsRef<str>]) -> Result<(), Error> {
    let choices: Vec<&str> = choices.iter().map(AsRef::as_ref).collect();
    match value.filter(|value| !value.is_empty() && !choices.contains(value)) {
        None => Ok(()),
        Some(wrong) => {
            let hint = format!("it is one of {}", choices.join(", "));
            Err(Error::setting(format!("{name} cannot be \"{wrong}\""), hint))
        }
    }
}

/// Secrets that a token endpoint gives.
const GRANTED: &[&str] = &["access_token", "expires_at", "refresh_token"];

impl Connection {
    /// Whether the connection has all that it signs in with, and says where its service is: what can be told without
    /// asking the service.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first thing that is missing or of no use.
    pub fn check(&self, secrets: &Secrets) -> Result<(), Error> {
        let is_known = |name: &&str| SECRETS.contains(name) || GRANTED.contains(name) || name.starts_with(HEADER);
        if let Some(unknown) = secrets.names().find(|name| !is_known(name)) {
            let known = SECRETS.join(", ");
            let hint = format!("secrets are {known}, and {HEADER}NAME for a header of this name");
            return Err(Error::setting(format!("there is no secret \"{unknown}\""), hint));
        }
        match self.connector.as_str() {
            "smtp" => mail::server(self).map(drop)?,
            "okta" => transport::org_url(self).map(drop)?,
            "http" => self.reach().map(drop)?,
            _ => {}
        }
        let fits = match self.connector.as_str() {
            "smtp" => self.auth == Auth::Smtp,
            "okta" => matches!(self.auth, Auth::OktaToken | Auth::OktaService) || self.auth.has_tokens(),
            _ => !matches!(self.auth, Auth::Smtp | Auth::OktaService),
        };
        if !fits {
            let problem = format!("a connection to {} does not sign in by {}", self.connector, self.auth.as_str());
            return Err(Error::setting(problem, "leave --auth out: it follows from the secrets that are given"));
        }
        self.check_sign_in(secrets)
    }

    fn check_sign_in(&self, secrets: &Secrets) -> Result<(), Error> {
        let settings: &[&str] = match self.auth {
            Auth::OauthCode => &["client_id", "authorize_url", "token_url"],
            Auth::OauthClient | Auth::OauthJwt => &["client_id", "token_url"],
            Auth::OktaService => &["client_id"],
            Auth::AwsKeys => &["access_key_id"],
            Auth::Smtp if secrets.get("password").is_some() => &["username"],
            _ => &[],
        };
        for name in settings {
            let value = self.required(name)?;
            if name.ends_with("_url") && Url::parse(value).is_err() {
                return Err(self.no_address(name, value));
            }
        }
        let username = self.setting("username");
        let secret = match self.auth {
            Auth::Basic => Some("password"),
            Auth::Bearer | Auth::OktaToken => Some("token"),
            Auth::OauthJwt | Auth::OktaService => Some("private_key"),
            Auth::AwsKeys => Some("secret_access_key"),
            // Whom a user name is given for signs in as that user.
            Auth::Smtp | Auth::None if username.is_some() => Some("password"),
            _ => None,
        };
        if let Some(secret) = secret.filter(|name| secrets.get(name).is_none()) {
            let problem = format!("connection \"{}\" has no {secret}", self.name);
            let hint =
                format!("give --secret {secret}=@FILE, {secret}=env:VARIABLE, or {secret}=- for a line of input");
            return Err(Error::setting(problem, hint));
        }
        if self.auth == Auth::Headers && !secrets.has_headers() {
            let hint = format!("give --secret {HEADER}NAME=@FILE");
            return Err(Error::setting(format!("connection \"{}\" has no header", self.name), hint));
        }
        Ok(())
    }

    /// An address that is made of settings that were not given.
    fn no_address(&self, name: &str, value: &str) -> Error {
        let problem = format!("{name} of connection \"{}\" is no address: \"{value}\"", self.name);
        let guide = Manifest::own().get(&self.connector).map(|manifest| &manifest.auth);
        let made_of = guide.and_then(|guide| guide.derived.get(name)).map(String::as_str).unwrap_or_default();
        let settings = guide.into_iter().flat_map(|guide| guide.settings.keys());
        let missing: Vec<String> = settings
            .filter(|setting| self.setting(setting).is_none() && made_of.contains(&format!("{{set.{setting}")))
            .map(|setting| format!("--set {setting}=VALUE"))
            .collect();
        let missing = if missing.is_empty() { format!("--set {name}=URL") } else { missing.join(" ") };
        Error::setting(problem, format!("give {missing}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_manifests_read_can_be_given() {
        let (mut text, mut settings) = (String::new(), BTreeSet::new());
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/manifests")).unwrap() {
            let path = entry.unwrap().path();
            let connector = path.file_stem().unwrap().to_str().unwrap().to_owned();
            text.push_str(&std::fs::read_to_string(&path).unwrap());
            for read in text.split("{set.").skip(1) {
                let name = read.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_').next().unwrap();
                settled(&connector, BTreeMap::from([(name.to_owned(), String::new())])).unwrap();
                settings.insert(name.to_owned());
            }
            text.clear();
        }
        assert!(settings.len() > 10, "{settings:?}");
    }
}
