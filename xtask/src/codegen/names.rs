//! How names of the description become names of ours.

/// Raises the first letter, drops everything that is not a letter or digit, and raises what follows:
/// `jwks_uri` becomes `JwksUri`, `x5t#S256` becomes `X5tS256`.
pub(crate) fn pascal_case(name: &str) -> String {
    let mut result = String::with_capacity(name.len());
    let mut raise = true;
    for character in name.chars() {
        if !character.is_ascii_alphanumeric() {
            raise = true;
        } else if raise {
            result.push(character.to_ascii_uppercase());
            raise = false;
        } else {
            result.push(character);
        }
    }
    result
}

/// Words in lower case with `_` between them: `listOAuth2Claims` is `list_o_auth2_claims`, which is how
/// okta-sdk-python 3.x spells it. A run of capitals is one word, and so is what digits follow.
pub(crate) fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut result = String::with_capacity(name.len() + 8);
    let separate = |result: &mut String| {
        if !result.is_empty() && !result.ends_with('_') {
            result.push('_');
        }
    };
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_ascii_alphanumeric() {
            separate(&mut result);
            continue;
        }
        let before = index.checked_sub(1).map(|before| characters[before]);
        let after = characters.get(index + 1);
        let starts_word = character.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if starts_word {
            separate(&mut result);
        }
        result.push(character.to_ascii_lowercase());
    }
    result.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{pascal_case, snake_case};

    #[test]
    fn letters_after_other_characters_are_raised() {
        for (name, expected) in [
            ("firstName", "FirstName"),
            ("jwks_uri", "JwksUri"),
            ("iOS", "IOS"),
            ("x5t#S256", "X5tS256"),
            ("resource-set", "ResourceSet"),
            ("oob-authenticate-custom-as", "OobAuthenticateCustomAs"),
        ] {
            assert_eq!(pascal_case(name), expected);
        }
    }

    #[test]
    fn words_are_set_apart() {
        for (name, expected) in [
            ("listOAuth2Claims", "list_o_auth2_claims"),
            ("x5t#S256", "x5t_s256"),
            ("_links", "links"),
            ("previewSAMLmetadata", "preview_sam_lmetadata"),
            ("name_", "name"),
        ] {
            assert_eq!(snake_case(name), expected);
        }
    }
}
