//! The schemas as data.
//!
//! # Source
//!
//! RFC 7643, sections 3.1, 4 and 8.7. Snowflake's attributes: its documentation of the SCIM Users and Groups
//! APIs. `displayName` of a group is required as the text of RFC 7643, 4.2 has it, not its listing.

use super::{
    Attribute, DataType, ENTERPRISE_USER, GROUP, Kind, Mutability, ResourceType, Returned, SNOWFLAKE_USER, Schema,
    USER, Uniqueness,
};
use crate::profile::Profile;

pub(super) fn resource_type(kind: Kind, profile: Profile) -> &'static ResourceType {
    match (profile, kind) {
        (Profile::Rfc, Kind::User) => &RFC_USER,
        (Profile::Rfc, Kind::Group) => &RFC_GROUP,
        (Profile::Snowflake { .. }, Kind::User) => &SNOWFLAKE_USER_TYPE,
        (Profile::Snowflake { .. }, Kind::Group) => &SNOWFLAKE_GROUP_TYPE,
    }
}

static RFC_USER: ResourceType = ResourceType {
    kind: Kind::User,
    description: "User account",
    core: &Schema { id: USER, name: "User", description: "User account", attributes: USER_ATTRIBUTES },
    extensions: &[&Schema {
        id: ENTERPRISE_USER,
        name: "Enterprise User",
        description: "What organisations add to a user",
        attributes: ENTERPRISE_ATTRIBUTES,
    }],
};

static RFC_GROUP: ResourceType = ResourceType {
    kind: Kind::Group,
    description: "Group",
    core: &Schema { id: GROUP, name: "Group", description: "Group", attributes: GROUP_ATTRIBUTES },
    extensions: &[],
};

static SNOWFLAKE_USER_TYPE: ResourceType = ResourceType {
    kind: Kind::User,
    description: "Snowflake user",
    core: &Schema { id: USER, name: "User", description: "Snowflake user", attributes: SNOWFLAKE_USER_ATTRIBUTES },
    extensions: &[
        &Schema {
            id: ENTERPRISE_USER,
            name: "Enterprise User",
            description: "Snowflake's own attributes, as Okta sends them",
            attributes: SNOWFLAKE_ATTRIBUTES,
        },
        &Schema {
            id: SNOWFLAKE_USER,
            name: "Snowflake User",
            description: "Snowflake's own attributes, as other clients send them",
            attributes: SNOWFLAKE_ATTRIBUTES,
        },
    ],
};

static SNOWFLAKE_GROUP_TYPE: ResourceType = ResourceType {
    kind: Kind::Group,
    description: "Snowflake role",
    core: &Schema { id: GROUP, name: "Group", description: "Snowflake role", attributes: SNOWFLAKE_GROUP_ATTRIBUTES },
    extensions: &[],
};

/// Optional single text, readable and writable, compared without letter case.
const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute {
        name,
        data_type: DataType::String,
        multi_valued: false,
        description,
        required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: Uniqueness::None,
        canonical_values: &[],
        reference_types: &[],
        sub_attributes: &[],
    }
}

const fn exact(name: &'static str, description: &'static str) -> Attribute {
    Attribute { case_exact: true, ..text(name, description) }
}

const fn read_only(attribute: Attribute) -> Attribute {
    Attribute { mutability: Mutability::ReadOnly, ..attribute }
}

const fn immutable(attribute: Attribute) -> Attribute {
    Attribute { mutability: Mutability::Immutable, ..attribute }
}

const fn boolean(name: &'static str, description: &'static str) -> Attribute {
    Attribute { data_type: DataType::Boolean, ..text(name, description) }
}

const fn reference(name: &'static str, description: &'static str, types: &'static [&'static str]) -> Attribute {
    Attribute { data_type: DataType::Reference, reference_types: types, ..exact(name, description) }
}

const fn complex(name: &'static str, description: &'static str, parts: &'static [Attribute]) -> Attribute {
    Attribute { data_type: DataType::Complex, sub_attributes: parts, ..text(name, description) }
}

const fn list(name: &'static str, description: &'static str, parts: &'static [Attribute]) -> Attribute {
    Attribute { multi_valued: true, ..complex(name, description, parts) }
}

const fn label(canonical_values: &'static [&'static str]) -> Attribute {
    Attribute { canonical_values, ..text("type", "What the value is for") }
}

const VALUE: Attribute = text("value", "The value");
const DISPLAY: Attribute = text("display", "The value for people");
const PRIMARY: Attribute = boolean("primary", "Whether this is the preferred value");
/// Without suggested types, so that none is refused.
const PLAIN_VALUES: &[Attribute] = &[VALUE, DISPLAY, label(&[]), PRIMARY];

const EXTERNAL_ID: Attribute = exact("externalId", "Identifier given by the client");

/// What every resource has, though no schema lists it.
pub(super) static COMMON: &[Attribute] = &[
    Attribute {
        data_type: DataType::Reference,
        multi_valued: true,
        required: true,
        returned: Returned::Always,
        mutability: Mutability::ReadOnly,
        reference_types: &["uri"],
        ..exact("schemas", "URNs of the schemas")
    },
    Attribute {
        returned: Returned::Always,
        uniqueness: Uniqueness::Global,
        ..read_only(exact("id", "Identifier given by the provider"))
    },
    EXTERNAL_ID,
    read_only(complex("meta", "About the resource", META)),
];

const META: &[Attribute] = &[
    read_only(exact("resourceType", "Name of the resource type")),
    read_only(Attribute { data_type: DataType::DateTime, ..text("created", "When it was made") }),
    read_only(Attribute { data_type: DataType::DateTime, ..text("lastModified", "When it last changed") }),
    read_only(reference("location", "Where it is", &["uri"])),
    read_only(exact("version", "Changes whenever the resource does")),
];

const USER_NAME: Attribute = Attribute {
    required: true,
    uniqueness: Uniqueness::Server,
    ..text("userName", "Name to sign in with, unique without regard to letter case")
};
const DISPLAY_NAME: Attribute = text("displayName", "Name for people");
const ACTIVE: Attribute = boolean("active", "Whether the user may sign in");
const PASSWORD: Attribute = Attribute {
    mutability: Mutability::WriteOnly,
    returned: Returned::Never,
    ..exact("password", "Password in clear, taken and never given back")
};
const GROUP_VALUE: Attribute = read_only(exact("value", "Identifier of the group"));
const GROUP_REFERENCE: Attribute = read_only(reference("$ref", "Where the group is", &["Group"]));
const GROUP_DISPLAY: Attribute = read_only(text("display", "Name of the group"));
const GROUP_TYPE: Attribute = read_only(label(&["direct", "indirect"]));
const GROUPS: Attribute = read_only(list(
    "groups",
    "Groups the user belongs to; changed through the groups",
    &[GROUP_VALUE, GROUP_REFERENCE, GROUP_DISPLAY, GROUP_TYPE],
));
const SNOWFLAKE_GROUPS: Attribute = read_only(list(
    "groups",
    "Roles granted to the user; changed through the groups",
    &[
        GROUP_VALUE,
        GROUP_REFERENCE,
        GROUP_DISPLAY,
        read_only(text("displayName", "Name of the group, as Snowflake's documentation calls it")),
        GROUP_TYPE,
    ],
));

static USER_ATTRIBUTES: &[Attribute] = &[
    USER_NAME,
    complex(
        "name",
        "Parts of the user's name",
        &[
            text("formatted", "The whole name"),
            text("familyName", "Family name"),
            text("givenName", "Given name"),
            text("middleName", "Middle names"),
            text("honorificPrefix", "Title before the name"),
            text("honorificSuffix", "Suffix after the name"),
        ],
    ),
    DISPLAY_NAME,
    text("nickName", "Casual name"),
    reference("profileUrl", "Page about the user", &["external"]),
    text("title", "Job title"),
    text("userType", "Relation to the organisation"),
    text("preferredLanguage", "Languages, as Accept-Language writes them"),
    text("locale", "Locale for dates and numbers"),
    text("timezone", "Time zone, such as America/Los_Angeles"),
    ACTIVE,
    PASSWORD,
    list("emails", "Addresses of electronic mail", &[VALUE, DISPLAY, label(&["work", "home", "other"]), PRIMARY]),
    list(
        "phoneNumbers",
        "Telephone numbers",
        &[VALUE, DISPLAY, label(&["work", "home", "mobile", "fax", "pager", "other"]), PRIMARY],
    ),
    list(
        "ims",
        "Addresses of instant messengers",
        &[VALUE, DISPLAY, label(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]), PRIMARY],
    ),
    list(
        "photos",
        "Pictures",
        &[reference("value", "Where the picture is", &["external"]), DISPLAY, label(&["photo", "thumbnail"]), PRIMARY],
    ),
    list(
        "addresses",
        "Postal addresses",
        &[
            text("formatted", "The whole address"),
            text("streetAddress", "Street and number"),
            text("locality", "Town"),
            text("region", "State or region"),
            text("postalCode", "Postal code"),
            text("country", "Country code"),
            label(&["work", "home", "other"]),
            PRIMARY,
        ],
    ),
    GROUPS,
    list("entitlements", "Things the user has", PLAIN_VALUES),
    list("roles", "Roles of the user", PLAIN_VALUES),
    list(
        "x509Certificates",
        "Certificates",
        &[Attribute { data_type: DataType::Binary, ..exact("value", "DER in Base64") }, DISPLAY, label(&[]), PRIMARY],
    ),
];

static ENTERPRISE_ATTRIBUTES: &[Attribute] = &[
    text("employeeNumber", "Number of the employee"),
    text("costCenter", "Cost centre"),
    text("organization", "Organisation"),
    text("division", "Division"),
    text("department", "Department"),
    complex(
        "manager",
        "The user's manager",
        &[
            exact("value", "Identifier of the manager"),
            reference("$ref", "Where the manager is", &["User"]),
            read_only(text("displayName", "Name of the manager")),
        ],
    ),
];

const MEMBER_VALUE: Attribute = immutable(exact("value", "Identifier of the member"));
const MEMBER_REFERENCE: Attribute = immutable(reference("$ref", "Where the member is", &["User", "Group"]));
const MEMBER_TYPE: Attribute =
    immutable(Attribute { canonical_values: &["User", "Group"], ..text("type", "Kind of the member") });

/// As RFC 7643, 8.7.1 lists it: without the member's name.
const MEMBERS: Attribute = list("members", "Members of the group", &[MEMBER_VALUE, MEMBER_REFERENCE, MEMBER_TYPE]);

const SNOWFLAKE_MEMBERS: Attribute = list(
    "members",
    "Users to whom the role is granted",
    &[MEMBER_VALUE, MEMBER_REFERENCE, MEMBER_TYPE, read_only(text("display", "Name of the member"))],
);

static GROUP_ATTRIBUTES: &[Attribute] =
    &[Attribute { required: true, ..text("displayName", "Name of the group") }, MEMBERS];

static SNOWFLAKE_USER_ATTRIBUTES: &[Attribute] = &[
    USER_NAME,
    complex(
        "name",
        "Parts of the user's name",
        &[text("givenName", "FIRST_NAME of the user"), text("familyName", "LAST_NAME of the user")],
    ),
    DISPLAY_NAME,
    ACTIVE,
    PASSWORD,
    list("emails", "EMAIL of the user: the primary value, else the first", &[VALUE, label(&[]), PRIMARY]),
    SNOWFLAKE_GROUPS,
];

static SNOWFLAKE_ATTRIBUTES: &[Attribute] = &[
    exact("defaultRole", "DEFAULT_ROLE of the user; taking effect in upper case only"),
    exact("defaultWarehouse", "DEFAULT_WAREHOUSE of the user; taking effect in upper case only"),
    text("defaultSecondaryRoles", "ALL, NONE or nothing"),
    text("type", "person, service, service_agent or legacy_service"),
    text("allowedInterfaces", "Comma-separated: ALL, SNOWFLAKE_INTELLIGENCE, STREAMLIT"),
    exact("snowflakeUserName", "NAME of the user, where the account keeps it apart from LOGIN_NAME"),
    Attribute { multi_valued: true, ..exact("snowflakeTags", "Tags as database.schema.tag:value") },
];

/// A role's name is compared by letter case; `eq` also finds the upper-cased name (see the filter).
static SNOWFLAKE_GROUP_ATTRIBUTES: &[Attribute] = &[
    Attribute { required: true, uniqueness: Uniqueness::Server, ..exact("displayName", "Name of the role") },
    SNOWFLAKE_MEMBERS,
];
