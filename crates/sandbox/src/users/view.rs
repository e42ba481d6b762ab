//! Users as JSON.

use std::collections::HashSet;

use http::header;

use crate::http::Call;
use crate::store::json::{write_text, write_value};
use crate::store::{Stamp, Status, User};

/// What a caller wants to see of users.
#[derive(Debug)]
pub(crate) struct View<'a> {
    base: &'a str,
    credentials: bool,
    credential_links: bool,
    fields: Option<Fields>,
}

/// The projection of `fields=id,status,profile:(firstName,city)`.
#[derive(Debug)]
struct Fields {
    top: HashSet<String>,
    /// `None` if the profile was asked for whole.
    profile: Option<HashSet<String>>,
}

impl<'a> View<'a> {
    /// What the call asks for in `fields` and in the `okta-response` parameter of its content type.
    pub(crate) fn of(call: &Call<'a>) -> Self {
        let content_type = call.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let trimmed = content_type.and_then(|value| value.split_once("okta-response=")).map_or("", |(_, list)| list);
        let omits = |name: &str| trimmed.split([',', ';', ' ', '"']).any(|part| part == name);
        Self {
            base: call.base,
            credentials: !omits("omitCredentials"),
            credential_links: !omits("omitCredentialsLinks"),
            fields: call.query("fields").map(Fields::parse),
        }
    }

    /// Everything, with links to `base`.
    pub(crate) fn plain(base: &'a str) -> Self {
        Self { base, credentials: true, credential_links: true, fields: None }
    }

    fn shows(&self, name: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.top.contains(name))
    }

    fn shows_attribute(&self, name: &str) -> bool {
        let chosen = self.fields.as_ref().and_then(|fields| fields.profile.as_ref());
        chosen.is_none_or(|chosen| chosen.contains(name))
    }

    /// Appends a user as lists show it: with a `self` link only.
    pub(crate) fn write_listed(&self, out: &mut Vec<u8>, user: &User) {
        self.write_body(out, user);
        if self.shows("_links") {
            out.extend_from_slice(b",\"_links\":{\"self\":");
            write_href(out, self.base, &["/api/v1/users/", user.id.as_str()]);
            out.push(b'}');
        }
        out.push(b'}');
    }

    /// Appends a user as it is shown alone: with a link for every step that its status allows.
    pub(crate) fn write_single(&self, out: &mut Vec<u8>, user: &User) {
        self.write_body(out, user);
        if self.shows("_links") {
            out.extend_from_slice(b",\"_links\":");
            self.write_links(out, user);
        }
        out.push(b'}');
    }

    /// Appends everything up to the links, without the closing brace.
    fn write_body(&self, out: &mut Vec<u8>, user: &User) {
        out.extend_from_slice(b"{\"id\":\"");
        out.extend_from_slice(user.id.as_bytes());
        out.push(b'"');
        if self.shows("status") {
            out.extend_from_slice(b",\"status\":\"");
            out.extend_from_slice(user.status.as_str().as_bytes());
            out.push(b'"');
        }
        let times = [
            ("created", Some(user.created)),
            ("activated", user.activated),
            ("statusChanged", user.status_changed),
            ("lastLogin", user.last_login),
            ("lastUpdated", Some(user.last_updated)),
            ("passwordChanged", user.password_changed),
        ];
        for (name, time) in times.into_iter().filter(|(name, _)| self.shows(name)) {
            write_time(out, name, time);
        }
        if self.shows("type") {
            out.extend_from_slice(b",\"type\":{\"id\":\"");
            out.extend_from_slice(user.type_id.as_bytes());
            out.extend_from_slice(b"\"}");
        }
        if self.shows("profile") {
            out.extend_from_slice(b",\"profile\":");
            user.profile.write(out, |name| self.shows_attribute(name));
        }
        if self.credentials && self.shows("credentials") {
            out.extend_from_slice(b",\"credentials\":");
            write_credentials(out, user);
        }
    }

    fn write_links(&self, out: &mut Vec<u8>, user: &User) {
        let id = user.id.as_str();
        out.push(b'{');
        let mut separator = "";
        for link in links(user).into_iter().filter(|link| self.credential_links || link.parent != "credentials") {
            out.extend_from_slice(separator.as_bytes());
            separator = ",";
            write_text(out, link.name);
            out.extend_from_slice(b":{\"href\":\"");
            for part in [self.base, "/api/v1/users/", id, "/", link.parent, "/", link.step] {
                out.extend_from_slice(part.as_bytes());
            }
            out.extend_from_slice(b"\",\"method\":\"POST\"}");
        }
        if !separator.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(b"\"schema\":");
        write_href(out, self.base, &["/api/v1/meta/schemas/user/", user.type_id.with_prefix("osc").as_str()]);
        out.extend_from_slice(b",\"self\":");
        write_href(out, self.base, &["/api/v1/users/", id]);
        out.extend_from_slice(b",\"type\":");
        write_href(out, self.base, &["/api/v1/meta/types/user/", user.type_id.as_str()]);
        if user.status == Status::Deprovisioned {
            out.extend_from_slice(b",\"delete\":{\"href\":\"");
            for part in [self.base, "/api/v1/users/", id] {
                out.extend_from_slice(part.as_bytes());
            }
            out.extend_from_slice(b"\",\"method\":\"DELETE\"}");
        }
        out.push(b'}');
    }
}

impl Fields {
    fn parse(text: &str) -> Self {
        let mut top = HashSet::new();
        let mut profile = None;
        let (before, inside, after) = match text.split_once("profile:(") {
            Some((before, rest)) => {
                rest.split_once(')').map_or((before, Some(rest), ""), |(a, b)| (before, Some(a), b))
            }
            None => (text, None, ""),
        };
        let names = |list: &str| -> Vec<String> {
            list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        top.extend(names(before).into_iter().chain(names(after)));
        if let Some(inside) = inside {
            top.insert("profile".to_owned());
            profile = Some(names(inside).into_iter().collect());
        }
        Self { top, profile }
    }
}

struct Link {
    name: &'static str,
    parent: &'static str,
    step: &'static str,
}

const fn lifecycle(name: &'static str, step: &'static str) -> Link {
    Link { name, parent: "lifecycle", step }
}

const fn credentials(name: &'static str, step: &'static str) -> Link {
    Link { name, parent: "credentials", step }
}

/// The steps that a user's status allows.
///
/// # Source
///
/// Observed for every status but `RECOVERY` (assumed) and `LOCKED_OUT` (documented). The email
/// authenticator enrols itself, so that there is always a factor to reset.
fn links(user: &User) -> Vec<Link> {
    const ACTIVATE: Link = lifecycle("activate", "activate");
    const DEACTIVATE: Link = lifecycle("deactivate", "deactivate");
    const RESET_FACTORS: Link = lifecycle("resetFactors", "reset_factors");
    let password_steps = |with_change: bool| {
        let steps = [
            Some(lifecycle("resetPassword", "reset_password")),
            Some(credentials("forgotPassword", "forgot_password")),
            Some(lifecycle("expirePassword", "expire_password")),
            Some(credentials("changeRecoveryQuestion", "change_recovery_question")),
            with_change.then(|| credentials("changePassword", "change_password")),
        ];
        steps.into_iter().flatten().filter(|_| user.password.is_some())
    };
    let mut links = match user.status {
        Status::Staged | Status::Deprovisioned => vec![ACTIVATE],
        Status::Provisioned => vec![
            lifecycle("suspend", "suspend"),
            lifecycle("resetPassword", "reset_password"),
            lifecycle("reactivate", "reactivate"),
            DEACTIVATE,
        ],
        Status::Active | Status::PasswordExpired | Status::Recovery | Status::LockedOut => {
            let mut links = vec![lifecycle("suspend", "suspend")];
            links.extend(password_steps(user.status != Status::Recovery));
            if user.status == Status::LockedOut {
                links.push(lifecycle("unlock", "unlock"));
            }
            links.push(DEACTIVATE);
            links
        }
        Status::Suspended => vec![lifecycle("unsuspend", "unsuspend"), DEACTIVATE],
    };
    links.push(RESET_FACTORS);
    links
}

fn write_time(out: &mut Vec<u8>, name: &str, time: Option<Stamp>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    match time {
        None => out.extend_from_slice(b"null"),
        Some(time) => {
            out.push(b'"');
            time.write(out);
            out.push(b'"');
        }
    }
}

fn write_href(out: &mut Vec<u8>, base: &str, path: &[&str]) {
    out.extend_from_slice(b"{\"href\":\"");
    out.extend_from_slice(base.as_bytes());
    for part in path {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b"\"}");
}

/// Appends the `credentials` object. Passwords and answers never leave the org.
pub(crate) fn write_credentials(out: &mut Vec<u8>, user: &User) {
    out.push(b'{');
    if user.status != Status::Deprovisioned {
        if user.password.is_some() {
            out.extend_from_slice(b"\"password\":{},");
        }
        if let Some(recovery) = &user.recovery_question {
            out.extend_from_slice(b"\"recovery_question\":{\"question\":");
            write_text(out, &recovery.question);
            out.extend_from_slice(b"},");
        }
    }
    match &user.provider {
        None => out.extend_from_slice(b"\"provider\":{\"type\":\"OKTA\",\"name\":\"OKTA\"}}"),
        Some(provider) => {
            out.extend_from_slice(b"\"provider\":{\"type\":");
            write_text(out, &provider.kind);
            out.extend_from_slice(b",\"name\":");
            write_value(out, provider.name.as_ref());
            out.extend_from_slice(b"}}");
        }
    }
}

/// The user as it is shown alone, as bytes.
pub(crate) fn single(call: &Call<'_>, user: &User) -> Vec<u8> {
    let mut out = Vec::with_capacity(2_048);
    View::of(call).write_single(&mut out, user);
    out
}
