//! Names of the SDK.

use super::super::models::member_name;
use super::super::names::pascal_case;

/// Words whose capitals do not tell where they end, as they are to be split.
const WORDS: [(&str, &str); 4] =
    [("OAuth", "Oauth"), ("SAMLmetadata", "SamlMetadata"), ("AAGUIDs", "Aaguids"), ("URIs", "Uris")];

/// The method of an operation: `listOAuth2Claims` is `list_oauth2_claims`.
pub(super) fn method(id: &str) -> String {
    member_name(&WORDS.iter().fold(id.to_owned(), |id, (word, split)| id.replace(word, split)))
}

/// The request of an operation: `listUsers` is `ListUsers`.
pub(super) fn request(id: &str) -> String {
    pascal_case(id)
}

/// The handle of a tag group: `Access Controls` is `AccessControls`.
pub(super) fn handle(group: &str) -> String {
    group.split(' ').map(pascal_case).collect()
}

/// An argument or a setter: `X-Forwarded-For` is `x_forwarded_for`.
pub(super) fn parameter(name: &str) -> String {
    member_name(name)
}

#[cfg(test)]
mod tests {
    use super::{handle, method, parameter};

    #[test]
    fn operations_become_methods() {
        for (id, expected) in [
            ("listUsers", "list_users"),
            ("listOAuth2Claims", "list_oauth2_claims"),
            ("previewSAMLmetadataForApplication", "preview_saml_metadata_for_application"),
            ("listAllCustomAAGUIDs", "list_all_custom_aaguids"),
            ("getAllWellKnownURIs", "get_all_well_known_uris"),
            ("getBrandWellKnownURI", "get_brand_well_known_uri"),
            ("setOrgHideOktaUIFooter", "set_org_hide_okta_ui_footer"),
            ("getDRStatusForDomain", "get_dr_status_for_domain"),
        ] {
            assert_eq!(method(id), expected);
        }
    }

    #[test]
    fn groups_and_parameters_have_names() {
        assert_eq!(handle("Access Controls"), "AccessControls");
        assert_eq!(parameter("X-Forwarded-For"), "x_forwarded_for");
        assert_eq!(parameter("match"), "r#match");
    }
}
