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

#[cfg(test)]
mod tests {
    use super::pascal_case;

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
}
