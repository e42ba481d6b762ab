//! How names of the description become Rust identifiers.

/// Words of the language that cannot be names; `self` cannot even be a raw one.
const KEYWORDS: [&str; 50] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
];

/// A type's name: words of capitals alone become words (`BASIC_SMTP_AUTH` is `BasicSmtpAuth`), other
/// spellings stay, so that a type is found by the name it has in the description.
pub(crate) fn type_name(name: &str) -> String {
    let parts: Vec<_> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [single] => raised(single),
        parts => parts.iter().map(|part| raised(&spoken(part))).collect(),
    }
}

/// The name of a value of an enumeration: `token:software:totp` is `TokenSoftwareTotp`, `1FA` is
/// `V1fa`. Of an address or a URN the last two segments are taken.
pub(crate) fn variant_name(value: &str) -> String {
    let tail = match value {
        _ if value.starts_with("urn:") => last_segments(value, ':'),
        _ if value.contains("://") => last_segments(value, '/'),
        _ => value,
    };
    let parts = tail.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name: String = parts.map(|part| raised(&spoken(part))).collect();
    match name.as_str() {
        "" => "Empty".to_owned(),
        "Other" | "Self" => format!("{name}Value"),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => format!("V{name}"),
        _ => name,
    }
}

/// A member's or a method's name: `x5t#S256` is `x5t_s256`, `firstName` is `first_name`. Of an address
/// the last segment is taken. A keyword becomes a raw identifier, `self` becomes `self_`.
pub(crate) fn member_name(name: &str) -> String {
    let tail = if name.contains("://") { name.rsplit('/').next().unwrap_or(name) } else { name };
    let name = snake_case(tail);
    match name.as_str() {
        "" => "empty".to_owned(),
        "self" | "crate" | "super" | "extra" => format!("{name}_"),
        keyword if KEYWORDS.contains(&keyword) => format!("r#{keyword}"),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => format!("v{name}"),
        _ => name,
    }
}

/// Words in lower case with `_` between them; `OAuth` is one word.
pub(crate) fn snake_case(name: &str) -> String {
    super::super::names::snake_case(&name.replace("OAuth", "Oauth"))
}

/// `Access Controls` is `access-controls`.
pub(crate) fn feature_name(group: &str) -> String {
    match group {
        "OAuth" => "oauth".to_owned(),
        _ => group.to_ascii_lowercase().replace(' ', "-"),
    }
}

/// A word of capitals alone as a word: `SMS` is `Sms`.
pub(crate) fn spoken(name: &str) -> String {
    if is_shouted(name) { lowered(name) } else { name.to_owned() }
}

fn last_segments(value: &str, separator: char) -> &str {
    let mut starts = value.rmatch_indices(separator).map(|(index, _)| index + 1);
    starts.nth(1).map_or(value, |start| &value[start..])
}

fn is_shouted(part: &str) -> bool {
    !part.contains(|c: char| c.is_ascii_lowercase())
}

fn lowered(part: &str) -> String {
    raised(&part.to_ascii_lowercase())
}

fn raised(part: &str) -> String {
    let mut characters = part.chars();
    characters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::{member_name, type_name, variant_name};

    #[test]
    fn types_keep_their_spelling_but_for_shouting() {
        for (name, expected) in [
            ("User", "User"),
            ("BASIC_SMTP_AUTH", "BasicSmtpAuth"),
            ("OSAccount", "OSAccount"),
            ("sub_id", "SubId"),
            ("_embedded", "Embedded"),
        ] {
            assert_eq!(type_name(name), expected);
        }
    }

    #[test]
    fn values_become_variants() {
        for (value, expected) in [
            ("ACTIVE", "Active"),
            ("token:software:totp", "TokenSoftwareTotp"),
            ("1FA", "V1fa"),
            ("OAuth 2.0", "OAuth20"),
            ("urn:ietf:params:oauth:grant-type:saml2-bearer", "GrantTypeSaml2Bearer"),
            ("OTHER", "OtherValue"),
            ("", "Empty"),
        ] {
            assert_eq!(variant_name(value), expected);
        }
    }

    #[test]
    fn members_become_fields() {
        for (name, expected) in [
            ("firstName", "first_name"),
            ("x5t#S256", "x5t_s256"),
            ("_links", "links"),
            ("LOGIN_PAGE", "login_page"),
            ("userURL", "user_url"),
            ("OAuth2ClientId", "oauth2_client_id"),
            ("NameFormat", "name_format"),
            ("HueBlue500", "hue_blue500"),
            ("type", "r#type"),
            ("self", "self_"),
            ("extra", "extra_"),
            ("https://schemas.okta.com/secevent/okta/event-type/user-risk-change", "user_risk_change"),
        ] {
            assert_eq!(member_name(name), expected);
        }
    }
}
