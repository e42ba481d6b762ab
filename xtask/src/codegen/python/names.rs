//! How names of the description become names of Python.

pub(crate) use super::super::names::snake_case;

/// Words that Python keeps for itself.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// `list_o_auth2_claims` as `list_o_auth_2_claims`, which is how okta-sdk-python 2.x spells it.
pub(crate) fn with_digits_apart(snake: &str) -> String {
    let mut result = String::with_capacity(snake.len() + 4);
    for character in snake.chars() {
        let changes = |last: char| last.is_ascii_digit() != character.is_ascii_digit() && last.is_ascii_alphanumeric();
        if character.is_ascii_alphanumeric() && result.chars().last().is_some_and(changes) {
            result.push('_');
        }
        result.push(character);
    }
    result
}

/// The attributes that stand for a member, the preferred one first; the member's own name is one, too,
/// where Python can spell it.
pub(crate) fn attributes(member: &str) -> Vec<String> {
    let snake = snake_case(member);
    let apart = with_digits_apart(&snake);
    let mut names = if is_identifier(&snake) { vec![snake.clone()] } else { vec![format!("var_{snake}")] };
    if member.starts_with('$') {
        names.push(format!("var_{snake}"));
    }
    if apart != snake {
        names.push(apart);
    }
    if is_identifier(member) && !names.iter().any(|name| name == member) {
        names.push(member.to_owned());
    }
    names
}

/// Whether Python takes `name` for a name.
pub(crate) fn is_identifier(name: &str) -> bool {
    let starts = name.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !KEYWORDS.contains(&name)
}

/// The name of an enumeration's member: `token:software:totp` as `TOKEN_SOFTWARE_TOTP`.
pub(crate) fn constant(value: &str) -> Option<String> {
    let name: String =
        value.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    is_identifier(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_spelled_as_both_generations_do() {
        for (name, third, second) in [
            ("listOAuth2Claims", "list_o_auth2_claims", "list_o_auth_2_claims"),
            ("listUsers", "list_users", "list_users"),
            (
                "previewSAMLmetadataForApplication",
                "preview_sam_lmetadata_for_application",
                "preview_sam_lmetadata_for_application",
            ),
            ("setOrgHideOktaUIFooter", "set_org_hide_okta_ui_footer", "set_org_hide_okta_ui_footer"),
        ] {
            assert_eq!(snake_case(name), third);
            assert_eq!(with_digits_apart(&snake_case(name)), second);
        }
    }

    #[test]
    fn members_are_reached_by_every_spelling() {
        for (member, expected) in [
            ("firstName", vec!["first_name", "firstName"]),
            ("id", vec!["id"]),
            ("_links", vec!["links", "_links"]),
            ("x5t#S256", vec!["x5t_s256", "x_5_t_s_256"]),
            ("from", vec!["var_from"]),
            ("$schema", vec!["schema", "var_schema"]),
            ("authURL", vec!["auth_url", "authURL"]),
        ] {
            assert_eq!(attributes(member), expected);
        }
    }

    #[test]
    fn values_become_constants_where_they_can() {
        assert_eq!(constant("token:software:totp").as_deref(), Some("TOKEN_SOFTWARE_TOTP"));
        assert_eq!(constant("2FA"), None);
    }
}
