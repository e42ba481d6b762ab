//! Which part of the API an operation belongs to.

use oktant_catalog::Operation;

/// A part of the API. Those in front are judged against the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Area {
    User,
    Group,
    Schema,
    Application,
    Factor,
    Other,
}

impl Area {
    /// The area of an operation, by its tag.
    pub(super) fn of(operation: Option<&Operation>) -> Self {
        match operation.map_or("", |operation| operation.tag) {
            "UserFactor" => Self::Factor,
            "UserType" | "Schema" => Self::Schema,
            tag if tag.starts_with("User") => Self::User,
            tag if tag.starts_with("Group") => Self::Group,
            tag if tag.starts_with("Application") => Self::Application,
            _ => Self::Other,
        }
    }

    /// Whether the thresholds apply.
    pub(super) fn is_judged(self) -> bool {
        self != Self::Other
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Schema => "schema",
            Self::Application => "application",
            Self::Factor => "factor",
            Self::Other => "other",
        }
    }
}
