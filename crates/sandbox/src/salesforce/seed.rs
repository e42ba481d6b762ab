//! What a new org holds: licences, profiles, roles, permission sets and its administrator.
//!
//! # Source
//!
//! Names as in public lists of standard profiles and licences; the numbers of licences are our own choice.

use oktant_base::{Secret, Timestamp};
use serde_json::{Value, json};

use super::id::Id;
use super::rules;
use super::store::{Row, Store, stamp};

/// Login of the administrator.
pub(super) const ADMIN_USERNAME: &str = "admin@salesforce.oktant.example";

/// Password of the administrator: the org listens on loopback only.
pub(super) const ADMIN_PASSWORD: &str = "Sandbox-Passw0rd";

const LICENSES: [(&str, &str, u32); 5] = [
    ("Salesforce", "SFDC", 5),
    ("Salesforce Platform", "AUL", 3),
    ("Chatter Free", "PID_CHATTER", 5_000),
    ("Identity", "PID_IDENTITY", 10),
    ("External Identity", "PID_EXTERNAL_IDENTITY", 10),
];

/// Profiles: name, licence, type of user.
const PROFILES: [(&str, &str, &str); 11] = [
    ("System Administrator", "Salesforce", "Standard"),
    ("Standard User", "Salesforce", "Standard"),
    ("Marketing User", "Salesforce", "Standard"),
    ("Solution Manager", "Salesforce", "Standard"),
    ("Contract Manager", "Salesforce", "Standard"),
    ("Read Only", "Salesforce", "Standard"),
    ("Minimum Access - Salesforce", "Salesforce", "Standard"),
    ("Standard Platform User", "Salesforce Platform", "Standard"),
    ("Chatter Free User", "Chatter Free", "CsnOnly"),
    ("Identity User", "Identity", "Standard"),
    ("External Identity User", "External Identity", "CSPLitePortal"),
];

/// Permission sets: name, label, licence they are tied to.
const PERMISSION_SETS: [(&str, &str, Option<&str>); 3] = [
    ("Sales_Reports", "Sales Reports", None),
    ("Api_Only", "API Only", None),
    ("Crm_Power_User", "CRM Power User", Some("Salesforce")),
];

/// Fills a store; gives the ids of the org and of its administrator.
pub(super) fn fill(store: &mut Store, now: Timestamp) -> (Id, Id) {
    let admin = store.next_id("005");
    let mut seed = Seed { store, now: stamp(now), admin };
    let org = seed.add("Organization", &json!({
        "Name": "Oktant Sandbox", "InstanceName": "OKT1", "IsSandbox": true, "OrganizationType": "Developer Edition",
        "LanguageLocaleKey": "en_US", "TimeZoneSidKey": "America/Los_Angeles", "DefaultLocaleSidKey": "en_US",
    }));
    for (name, key, total) in LICENSES {
        seed.add("UserLicense", &json!({
            "Name": name, "MasterLabel": name, "LicenseDefinitionKey": key, "Status": "Active", "TotalLicenses": total, "UsedLicenses": 0,
        }));
    }
    for (name, license, user_type) in PROFILES {
        let administers = name == "System Administrator";
        let api = matches!(license, "Salesforce" | "Salesforce Platform");
        let license = seed.named("UserLicense", license);
        seed.add("Profile", &json!({
            "Name": name, "UserLicenseId": license, "UserType": user_type, "PermissionsApiEnabled": api,
            "PermissionsManageUsers": administers, "PermissionsModifyAllData": administers, "PermissionsViewAllData": administers,
        }));
    }
    let chief = seed.add("UserRole", &json!({ "Name": "CEO", "DeveloperName": "CEO", "PortalType": "None" }));
    seed.add("UserRole", &json!({
        "Name": "Sales Manager", "DeveloperName": "Sales_Manager", "PortalType": "None", "ParentRoleId": chief.as_str(),
    }));
    for (name, label, license) in PERMISSION_SETS {
        let license = license.map_or(Value::Null, |license| seed.named("UserLicense", license));
        seed.add("PermissionSet", &json!({
            "Name": name, "Label": label, "LicenseId": license, "IsOwnedByProfile": false, "IsCustom": true, "Type": "Regular",
        }));
    }
    seed.add("PermissionSetLicense", &json!({
        "DeveloperName": "SalesConsoleUser", "MasterLabel": "Sales Console User", "PermissionSetLicenseKey": "SalesConsoleUserPsl",
        "TotalLicenses": 2, "UsedLicenses": 0, "Status": "Active",
    }));
    seed.add("Group", &json!({
        "Name": "All Staff", "DeveloperName": "All_Staff", "Type": "Regular", "DoesSendEmailToMembers": false, "DoesIncludeBosses": true,
    }));
    seed.administrator();
    (org, admin)
}

struct Seed<'a> {
    store: &'a mut Store,
    now: String,
    admin: Id,
}

impl Seed<'_> {
    fn add(&mut self, object: &str, values: &Value) -> Id {
        let schema = self.store.schema();
        let prefix = schema.object(object).map_or("000", |object| &object.prefix);
        let id = self.store.next_id(prefix);
        self.put(object, id, values);
        id
    }

    fn put(&mut self, object: &str, id: Id, values: &Value) {
        let mut values = values.as_object().cloned().unwrap_or_default();
        for field in ["CreatedDate", "LastModifiedDate", "SystemModstamp"] {
            values.insert(field.to_owned(), self.now.as_str().into());
        }
        for field in ["CreatedById", "LastModifiedById"] {
            values.insert(field.to_owned(), self.admin.as_str().into());
        }
        self.store.put(object, Row { id, deleted: false, values });
    }

    /// The id of what has a name.
    fn named(&self, object: &str, name: &str) -> Value {
        self.store.first(object, "Name", name).map_or(Value::Null, |row| row.id.as_str().into())
    }

    fn administrator(&mut self) {
        let (profile, role) = (self.named("Profile", "System Administrator"), self.named("UserRole", "CEO"));
        let mut values = json!({
            "Username": ADMIN_USERNAME, "LastName": "Admin", "FirstName": "Oktant", "Name": "Oktant Admin",
            "Email": "admin@oktant.example", "Alias": "admin", "CommunityNickname": "admin", "IsActive": true,
            "TimeZoneSidKey": "America/Los_Angeles", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US", "ProfileId": profile, "UserRoleId": role, "UserType": "Standard",
        });
        let schema = self.store.schema();
        for (field, default) in schema.object("User").into_iter().flat_map(super::schema::Object::defaults) {
            if values[field].is_null() {
                values[field] = default;
            }
        }
        let admin = self.admin;
        self.put("User", admin, &values);
        self.add("UserLogin", &json!({ "UserId": admin.as_str(), "IsFrozen": false, "IsPasswordLocked": false }));
        self.store.set_password(admin, Secret::new(ADMIN_PASSWORD.to_owned()));
        rules::count_user_licenses(self.store, &self.now);
    }
}
