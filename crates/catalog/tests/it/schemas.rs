//! Schemas.

use oktant_catalog::{Additional, SchemaKind, TypeRef, schema, schemas};

use crate::operations::assert_exists;

#[test]
fn every_name_leads_somewhere() {
    for schema in schemas() {
        match &schema.kind {
            SchemaKind::Object(object) => {
                object.bases.iter().for_each(|base| assert_exists(schema.name, TypeRef::Named(base)));
                object.properties.iter().for_each(|property| assert_exists(schema.name, property.schema));
                if let Additional::Allowed(values) = object.additional {
                    assert_exists(schema.name, values);
                }
            }
            SchemaKind::Union(union) => union.members.iter().for_each(|member| assert_exists(schema.name, *member)),
            SchemaKind::Alias(target) => assert_exists(schema.name, *target),
            SchemaKind::Enum(values) => assert!(!values.is_empty(), "{} has no values", schema.name),
        }
        for (value, target) in schema.discriminator().into_iter().flat_map(|discriminator| discriminator.mapping) {
            assert!(self::schema(target).is_some(), "{} maps {value} to {target}", schema.name);
        }
    }
}

#[test]
fn bases_are_flattened_and_kept() {
    let saml = schema("SamlApplication").expect("a known schema");
    let SchemaKind::Object(object) = &saml.kind else { panic!("{saml:?} is not an object") };
    assert_eq!(object.bases, ["Application"]);
    let names: Vec<_> = object.properties.iter().map(|property| property.name).collect();
    for inherited in ["id", "label", "signOnMode", "settings", "credentials"] {
        assert!(names.contains(&inherited), "{inherited} is missing");
    }
}

#[test]
fn subtypes_are_told_apart_by_the_discriminator() {
    let application = schema("Application").and_then(|schema| schema.discriminator()).expect("it has subtypes");
    assert_eq!(application.property, "signOnMode");
    assert!(application.mapping.contains(&("SAML_2_0", "SamlApplication")));
    assert_eq!(application.mapping.len(), 9);
}

#[test]
fn flags_of_members_are_facts() {
    let find = |schema_name: &str, member: &str| {
        let properties = schema(schema_name).expect(schema_name).properties();
        properties.iter().find(|property| property.name == member).expect("a known member")
    };
    let created = find("User", "created");
    assert!(created.read_only && created.format == "date-time");
    let password = find("PasswordCredential", "value");
    assert!(password.write_only && password.secret);
    assert!(find("BASIC_SMTP_AUTH", "password").secret && find("TokenResponse", "access_token").secret);
    let subject = find("SubIdIssSub", "iss");
    assert!(subject.write_only && !subject.secret);
    assert!(find("Application", "label").required);
    assert_eq!(find("User", "transitioningToStatus").values, ["ACTIVE", "DEPROVISIONED", "PROVISIONED"]);
}

#[test]
fn inline_objects_have_names() {
    let user_type = schema("UserType").expect("a component");
    assert!(!user_type.inline);
    let properties = schema("User").expect("a component").properties();
    let inline = properties.iter().find(|property| property.name == "type").expect("a known member");
    // `UserType` is taken by a component, so the inline object takes the next free name.
    assert_eq!(inline.schema, TypeRef::Named("UserType2"));
    assert!(schema("UserType2").expect("an inline object").inline);
}

#[test]
fn conflicting_schemas_of_oauth_have_a_prefix() {
    let values = |name: &str| match schema(name).expect(name).kind {
        SchemaKind::Enum(values) => values,
        _ => &[],
    };
    assert_eq!(values("OAuthJsonWebKeyUse"), ["enc", "sig"]);
    assert_ne!(values("JsonWebKeyUse"), values("OAuthJsonWebKeyUse"));
}
