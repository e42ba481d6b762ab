//! The tables and columns that statements are about.

/// What values a column has, and so what may be said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, exact and unique where it is the table's first column.
    Key,
    /// Any text.
    Text,
    /// Text of ASCII alone.
    Ascii,
    /// A member of an enumeration.
    Member,
    Instant,
    Day,
    Integer,
    Real,
    Boolean,
}

/// A column and where its value stands in the object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) pointer: &'static str,
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    /// The columns that tell rows apart.
    pub(crate) key: &'static [&'static str],
}

const fn column(name: &'static str, kind: Kind, pointer: &'static str) -> Column {
    Column { name, kind, pointer }
}

pub(crate) const USERS: Table = Table {
    name: "Users",
    columns: &[
        column("Id", Kind::Key, "/id"),
        column("ProfileLogin", Kind::Ascii, "/profile/login"),
        column("ProfileEmail", Kind::Ascii, "/profile/email"),
        column("ProfileFirstName", Kind::Text, "/profile/firstName"),
        column("ProfileLastName", Kind::Text, "/profile/lastName"),
        column("ProfileNickName", Kind::Text, "/profile/nickName"),
        column("ProfileDepartment", Kind::Text, "/profile/department"),
        column("ProfileCity", Kind::Text, "/profile/city"),
        column("ProfileEmployeeNumber", Kind::Text, "/profile/employeeNumber"),
        column("Status", Kind::Member, "/status"),
        column("Created", Kind::Instant, "/created"),
        column("Activated", Kind::Instant, "/activated"),
        column("StatusChanged", Kind::Instant, "/statusChanged"),
        column("LastLogin", Kind::Instant, "/lastLogin"),
        column("LastUpdated", Kind::Instant, "/lastUpdated"),
        column("ProfileBadge", Kind::Text, "/profile/badge"),
        column("ProfileRemoteWorker", Kind::Boolean, "/profile/remoteWorker"),
        column("ProfileOfficeFloor", Kind::Integer, "/profile/officeFloor"),
        column("ProfileReviewScore", Kind::Real, "/profile/reviewScore"),
        column("ProfileHiredOn", Kind::Day, "/profile/hiredOn"),
        column("ProfileManagerId", Kind::Key, "/profile/managerId"),
    ],
    key: &["Id"],
};

pub(crate) const GROUPS: Table = Table {
    name: "Groups",
    columns: &[
        column("Id", Kind::Key, "/id"),
        column("Type", Kind::Member, "/type"),
        column("ProfileName", Kind::Text, "/profile/name"),
        column("ProfileDescription", Kind::Text, "/profile/description"),
        column("Created", Kind::Instant, "/created"),
        column("LastUpdated", Kind::Instant, "/lastUpdated"),
        column("LastMembershipUpdated", Kind::Instant, "/lastMembershipUpdated"),
        // Comes with `expand` only.
        column("UsersCount", Kind::Integer, "/usersCount"),
    ],
    key: &["Id"],
};

/// Pointers are into an object of the membership's group and user. Each of its two paths returns one
/// of them and takes the other from the parent.
const MEMBERSHIP: &[Column] = &[
    column("GroupId", Kind::Key, "/group/id"),
    column("UserId", Kind::Key, "/user/id"),
    column("UserLogin", Kind::Ascii, "/user/profile/login"),
    column("UserEmail", Kind::Ascii, "/user/profile/email"),
    column("UserFirstName", Kind::Text, "/user/profile/firstName"),
    column("UserLastName", Kind::Text, "/user/profile/lastName"),
    column("UserStatus", Kind::Member, "/user/status"),
    column("UserLastUpdated", Kind::Instant, "/user/lastUpdated"),
    column("GroupName", Kind::Text, "/group/profile/name"),
    column("GroupType", Kind::Member, "/group/type"),
    column("GroupLastMembershipUpdated", Kind::Instant, "/group/lastMembershipUpdated"),
];

pub(crate) const MEMBERS: Table = Table { name: "GroupMembers", columns: MEMBERSHIP, key: &["GroupId", "UserId"] };

/// The same relation under its other name.
pub(crate) const USER_GROUPS: Table = Table { name: "UserGroups", columns: MEMBERSHIP, key: &["UserId", "GroupId"] };

pub(crate) const APPLICATIONS: Table = Table {
    name: "Applications",
    columns: &[
        column("Id", Kind::Key, "/id"),
        column("Name", Kind::Ascii, "/name"),
        column("Label", Kind::Text, "/label"),
        column("Status", Kind::Member, "/status"),
        column("Created", Kind::Instant, "/created"),
    ],
    key: &["Id"],
};

/// Pointers are into an object of the app and the assignment.
pub(crate) const ASSIGNMENTS: Table = Table {
    name: "ApplicationUsers",
    columns: &[
        column("AppId", Kind::Key, "/app"),
        column("Id", Kind::Key, "/user/id"),
        column("Status", Kind::Member, "/user/status"),
        column("Scope", Kind::Member, "/user/scope"),
        column("CredentialsUserName", Kind::Ascii, "/user/credentials/userName"),
        column("Created", Kind::Instant, "/user/created"),
        column("LastUpdated", Kind::Instant, "/user/lastUpdated"),
    ],
    key: &["AppId", "Id"],
};

/// Pointers are into an object of the group, the app and the assignment.
pub(crate) const GROUP_APPS: Table = Table {
    name: "GroupApplications",
    columns: &[
        column("GroupId", Kind::Key, "/group"),
        column("AppId", Kind::Key, "/app/id"),
        column("AppName", Kind::Ascii, "/app/name"),
        column("AppLabel", Kind::Text, "/app/label"),
        column("AppStatus", Kind::Member, "/app/status"),
    ],
    key: &["GroupId", "AppId"],
};

/// The same relation from the app's side, whose path alone returns the assignment.
pub(crate) const APP_GROUPS: Table = Table {
    name: "ApplicationGroups",
    columns: &[
        column("AppId", Kind::Key, "/app/id"),
        column("GroupId", Kind::Key, "/group"),
        column("Priority", Kind::Integer, "/assignment/priority"),
        column("LastUpdated", Kind::Instant, "/assignment/lastUpdated"),
    ],
    key: &["AppId", "GroupId"],
};

pub(crate) const TABLES: &[Table] =
    &[USERS, GROUPS, MEMBERS, USER_GROUPS, APPLICATIONS, ASSIGNMENTS, GROUP_APPS, APP_GROUPS];

impl Table {
    pub(crate) fn column(&self, name: &str) -> &'static Column {
        self.columns.iter().find(|column| column.name == name).unwrap()
    }
}
