//! Laws that hold for any filter and any PATCH.

use std::collections::{BTreeMap, BTreeSet};

use oktant_scim::{Filter, Kind, Member, Patch, Profile, Resource, ScimClient};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

const PROFILES: [Profile; 2] = [Profile::Rfc, Profile::Snowflake { client: ScimClient::Okta }];

/// Texts with quotes, escapes and letters of two cases in them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-cA-C]{0,3}", "[\"\\\\\u{e9}\u{df}\u{3a3}\n ]{0,3}", any::<String>()]
}

fn comparison(paths: &'static [&'static str]) -> impl Strategy<Value = String> {
    let operator = prop::sample::select(vec!["eq", "NE", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let texts = (prop::sample::select(paths), operator, text())
        .prop_map(|(path, operator, text)| format!("{path} {operator} {}", Value::from(text)));
    let present = prop::sample::select(paths).prop_map(|path| format!("{path} PR"));
    prop_oneof![3 => texts, 1 => present]
}

fn filter() -> impl Strategy<Value = String> {
    let leaves = prop_oneof![
        4 => comparison(&["userName", "NAME.familyName", "emails", "emails.type", "externalId", "title"]),
        1 => Just(format!("{ENTERPRISE}:department eq \"x\"")),
        1 => Just("active ne true".to_owned()),
        1 => Just("active eq null".to_owned()),
        1 => Just("meta.lastModified gt \"2026-01-01T00:00:00.25+02:00\"".to_owned()),
        2 => comparison(&["value", "type", "display"]).prop_map(|inner| format!("emails[{inner}]")),
        1 => (comparison(&["value"]), comparison(&["type"])).prop_map(|(a, b)| format!("emails[not ({a} or {b})]")),
    ];
    leaves.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" OR ")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

/// A user for filters to look at.
fn user() -> impl Strategy<Value = Map<String, Value>> {
    let emails = prop::collection::vec((text(), text()), 0..3);
    (text(), prop::option::of(text()), any::<bool>(), emails).prop_map(|(name, title, active, emails)| {
        let emails: Vec<Value> =
            emails.into_iter().map(|(kind, value)| json!({ "type": kind, "value": value })).collect();
        let mut user = json!({ "userName": name, "active": active, "emails": emails, "externalId": title });
        user["title"] = title.into();
        user.as_object().cloned().unwrap()
    })
}

/// A change of attributes, as the model knows it.
#[derive(Debug, Clone)]
enum Step {
    Title(Option<String>),
    FamilyName(Option<String>),
    Department(Option<String>),
    DropExtension,
    Active(bool),
    AddEmail(String, String),
    SetEmails(Vec<(String, String)>),
    RemoveEmails(String),
    SetTypes(String, String),
}

fn step() -> impl Strategy<Value = Step> {
    let short = || "[a-c]{1,2}";
    let kind = || prop::sample::select(vec!["work", "home", "other"]).prop_map(str::to_owned);
    prop_oneof![
        prop::option::of(short()).prop_map(Step::Title),
        prop::option::of(short()).prop_map(Step::FamilyName),
        prop::option::of(short()).prop_map(Step::Department),
        Just(Step::DropExtension),
        any::<bool>().prop_map(Step::Active),
        (kind(), short()).prop_map(|(kind, value)| Step::AddEmail(kind, value)),
        prop::collection::vec((kind(), short()), 0..4).prop_map(Step::SetEmails),
        kind().prop_map(Step::RemoveEmails),
        (kind(), kind()).prop_map(|(from, to)| Step::SetTypes(from, to)),
    ]
}

/// A user with few attributes, in plain fields.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    title: Option<String>,
    family_name: Option<String>,
    department: Option<String>,
    active: Option<bool>,
    emails: Vec<(String, String)>,
}

impl Model {
    /// False where a change must be refused.
    fn run(&mut self, step: &Step) -> bool {
        match step.clone() {
            Step::Title(title) => self.title = title,
            Step::FamilyName(name) => self.family_name = name,
            Step::Department(department) => self.department = department,
            Step::DropExtension => self.department = None,
            Step::Active(active) => self.active = Some(active),
            Step::AddEmail(kind, value) => self.add((kind, value)),
            Step::SetEmails(emails) => {
                self.emails.clear();
                emails.into_iter().for_each(|email| self.add(email));
            }
            Step::RemoveEmails(kind) => self.emails.retain(|email| email.0 != kind),
            Step::SetTypes(from, to) => {
                let mut found = false;
                for email in self.emails.iter_mut().filter(|email| email.0 == from) {
                    (email.0, found) = (to.clone(), true);
                }
                return found;
            }
        }
        true
    }

    fn add(&mut self, email: (String, String)) {
        if !self.emails.contains(&email) {
            self.emails.push(email);
        }
    }

    fn to_json(&self) -> Map<String, Value> {
        let emails: Vec<Value> =
            self.emails.iter().map(|(kind, value)| json!({ "type": kind, "value": value })).collect();
        let mut body = Map::from_iter([("userName".to_owned(), json!("ann"))]);
        let mut put = |name: &str, value: Option<Value>| body.extend(value.map(|value| (name.to_owned(), value)));
        put("title", self.title.clone().map(Value::from));
        put("name", self.family_name.as_ref().map(|name| json!({ "familyName": name })));
        put(ENTERPRISE, self.department.as_ref().map(|department| json!({ "department": department })));
        put("active", self.active.map(Value::from));
        put("emails", (!emails.is_empty()).then_some(Value::Array(emails)));
        body
    }
}

/// The operation of a step; `style` picks among the ways of saying the same.
fn operation(step: &Step, style: bool) -> Value {
    let set = |path: &str, value: &Option<String>| match value {
        Some(value) if style => json!({ "op": "add", "path": path, "value": value }),
        Some(value) => json!({ "op": "replace", "value": { path: value } }),
        None if style => json!({ "op": "remove", "path": path.to_uppercase() }),
        None => json!({ "op": "replace", "path": path, "value": null }),
    };
    let email = |(kind, value): &(String, String)| json!({ "type": kind, "value": value });
    match step {
        Step::Title(title) => set("title", title),
        Step::FamilyName(name) => set("name.familyName", name),
        Step::Department(department) => set(&format!("{ENTERPRISE}:department"), department),
        Step::DropExtension => json!({ "op": "remove", "path": ENTERPRISE }),
        Step::Active(active) if style => json!({ "op": "replace", "path": "active", "value": active.to_string() }),
        Step::Active(active) => json!({ "op": "Add", "value": { "ACTIVE": active } }),
        Step::AddEmail(kind, value) => {
            json!({ "op": "add", "path": "emails", "value": [email(&(kind.clone(), value.clone()))] })
        }
        Step::SetEmails(emails) => {
            json!({ "op": "replace", "path": "emails", "value": emails.iter().map(email).collect::<Vec<_>>() })
        }
        Step::RemoveEmails(kind) => json!({ "op": "remove", "path": format!("emails[type eq \"{kind}\"]") }),
        Step::SetTypes(from, to) => {
            json!({ "op": "replace", "path": format!("emails[type eq \"{from}\"].type"), "value": to })
        }
    }
}

fn patch(kind: Kind, operations: Vec<Value>) -> Patch {
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    Patch::from_json(kind, Profile::Rfc, &body).unwrap()
}

/// A change of a membership.
#[derive(Debug, Clone)]
enum MemberStep {
    Add(BTreeSet<u8>),
    Remove(BTreeSet<u8>),
    RemoveOne(u8),
    /// A condition that the ids alone do not answer.
    RemoveFrom(u8),
    Set(BTreeSet<u8>),
    Clear,
}

fn member_step() -> impl Strategy<Value = MemberStep> {
    let ids = || prop::collection::btree_set(0..8_u8, 0..4);
    prop_oneof![
        4 => ids().prop_map(MemberStep::Add),
        3 => ids().prop_map(MemberStep::Remove),
        3 => (0..8_u8).prop_map(MemberStep::RemoveOne),
        1 => (0..8_u8).prop_map(MemberStep::RemoveFrom),
        1 => ids().prop_map(MemberStep::Set),
        1 => Just(MemberStep::Clear),
    ]
}

fn member_operation(step: &MemberStep) -> Value {
    let values = |ids: &BTreeSet<u8>| ids.iter().map(|id| json!({ "value": id.to_string() })).collect::<Vec<_>>();
    match step {
        MemberStep::Add(ids) => json!({ "op": "add", "path": "members", "value": values(ids) }),
        MemberStep::Remove(ids) => json!({ "op": "remove", "path": "members", "value": values(ids) }),
        MemberStep::RemoveOne(id) => json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }),
        MemberStep::RemoveFrom(id) => json!({ "op": "remove", "path": format!("members[value ge \"{id}\"]") }),
        MemberStep::Set(ids) => json!({ "op": "replace", "path": "members", "value": values(ids) }),
        MemberStep::Clear => json!({ "op": "remove", "path": "members" }),
    }
}

fn run_on_set(members: &mut BTreeSet<u8>, step: &MemberStep) {
    match step {
        MemberStep::Add(ids) => members.extend(ids),
        MemberStep::Remove(ids) => members.retain(|id| !ids.contains(id)),
        MemberStep::RemoveOne(id) => drop(members.take(id)),
        MemberStep::RemoveFrom(from) => members.retain(|id| id < from),
        MemberStep::Set(ids) => members.clone_from(ids),
        MemberStep::Clear => members.clear(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_does_what_the_model_does(
        steps in prop::collection::vec((step(), any::<bool>()), 1..8),
        first in prop::collection::vec(step(), 0..6),
    ) {
        let mut model = Model::default();
        for step in &first {
            model.run(step);
        }
        let mut resource = Resource::new(Kind::User, model.to_json());
        let before = resource.clone();
        let mut after = model.clone();
        let accepted = steps.iter().all(|(step, _)| after.run(step));
        let patch = patch(Kind::User, steps.iter().map(|(step, style)| operation(step, *style)).collect());
        match patch.apply(&mut resource) {
            Ok(applied) => {
                prop_assert!(accepted, "should have been refused");
                prop_assert_eq!(resource.attributes(), &after.to_json());
                prop_assert_eq!(applied.changed, after != model);
                prop_assert!(applied.members.is_empty());
                // What is said twice is done once.
                let again = resource.clone();
                if patch.apply(&mut resource).is_ok() && steps.len() == 1 {
                    prop_assert_eq!(resource, again);
                }
            }
            Err(error) => {
                prop_assert!(!accepted, "{}", error);
                prop_assert_eq!(resource, before);
            }
        }
    }

    #[test]
    fn a_change_of_members_is_the_same_with_and_without_knowing_them(
        first in prop::collection::btree_set(0..8_u8, 0..8),
        steps in prop::collection::vec(member_step(), 1..8),
    ) {
        let mut expected = first.clone();
        steps.iter().for_each(|step| run_on_set(&mut expected, step));
        let patch = patch(Kind::Group, steps.iter().map(member_operation).collect());
        let members: Vec<Member> = first.iter().map(|id| Member::new(id.to_string())).collect();
        let named = Map::from_iter([("displayName".to_owned(), json!("g"))]);
        let mut resource = Resource::new(Kind::Group, named);
        resource.members = patch.needs_members().then(|| members.clone());
        let change = patch.apply(&mut resource).unwrap().members;
        let added: BTreeSet<&str> = change.add().map(|member| member.value.as_str()).collect();
        let removed: BTreeSet<&str> = change.remove().collect();
        prop_assert!(added.is_disjoint(&removed));
        let mut found = members;
        change.apply(&mut found);
        let found: BTreeMap<u8, usize> = found.iter().fold(BTreeMap::new(), |mut counts, member| {
            *counts.entry(member.value.parse().unwrap()).or_default() += 1;
            counts
        });
        prop_assert_eq!(found, expected.into_iter().map(|id| (id, 1)).collect::<BTreeMap<_, _>>());
    }

    #[test]
    fn a_filter_prints_as_what_it_is(text in filter(), user in user()) {
        let parsed = Filter::parse(&text, Kind::User, Profile::Rfc).unwrap();
        let printed = parsed.to_string();
        let again = Filter::parse(&printed, Kind::User, Profile::Rfc).unwrap();
        prop_assert_eq!(&again, &parsed, "{}", printed);
        prop_assert_eq!(again.matches(&user), parsed.matches(&user));
        let negated = Filter::parse(&format!("not ({text})"), Kind::User, Profile::Rfc).unwrap();
        prop_assert_ne!(negated.matches(&user), parsed.matches(&user));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in any::<String>(), pieces in prop::collection::vec(
        prop::sample::select(vec!["userName", "emails", "[", "]", "(", ")", " ", "eq", "and", "or", "not", "pr", "\"x\"", ".value", ":", "urn:", "null"]), 0..20,
    )) {
        for text in [text, pieces.concat(), pieces.join(" ")] {
            for (profile, kind) in PROFILES.into_iter().flat_map(|profile| Kind::ALL.map(|kind| (profile, kind))) {
                let _ = Filter::parse(&text, kind, profile);
                let body = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": [{ "op": "remove", "path": text }],
                });
                let _ = Patch::from_json(kind, profile, &body);
            }
        }
    }
}
