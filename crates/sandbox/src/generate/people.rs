//! People, groups, and who belongs where.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::Size;
use super::names::{DEPARTMENTS, FIRST, LAST, PLACES, SKILLS};
use crate::store::{
    Datum, Group, GroupKind, GroupNumber, Name, NumberSet, Password, Profile, Stamp, Status, Store, User,
};

/// How far back the oldest generated object reaches, in seconds: five years.
const HISTORY: i64 = 5 * 365 * 86_400;

/// Groups a user is in: the mean of ten and a half makes a million memberships of 100,000 users.
const GROUPS_PER_USER: std::ops::RangeInclusive<usize> = 6..=15;

/// Of a thousand users, how many have each status.
const STATUSES: [(Status, u32); 8] = [
    (Status::Active, 870),
    (Status::Deprovisioned, 40),
    (Status::Provisioned, 25),
    (Status::Staged, 20),
    (Status::Suspended, 20),
    (Status::PasswordExpired, 10),
    (Status::LockedOut, 10),
    (Status::Recovery, 5),
];

/// Adds generated groups and users.
pub(super) fn add(store: &mut Store, seed: u64, size: Size, now: Stamp) {
    let mut random = Pcg64::seed_from_u64(seed);
    let start = now.seconds() - HISTORY;
    let groups: Vec<_> = (0..size.groups).map(|index| add_group(store, &mut random, index, start)).collect();
    let names = Names::new();
    store.users.reserve(size.users);
    for index in 0..size.users {
        let created = start + HISTORY * index as i64 / size.users as i64;
        let user = person(store, &mut random, &names, index, Stamp::from_seconds(created), now);
        let joins = user.status != Status::Deprovisioned;
        let number = store.users.add(user);
        if joins {
            for group in choose(&mut random, &groups) {
                store.add_member(group, number, Stamp::from_seconds(created));
            }
        }
    }
}

fn add_group(store: &mut Store, random: &mut Pcg64, index: usize, start: i64) -> GroupNumber {
    let (department, _) = DEPARTMENTS[index % DEPARTMENTS.len()];
    let (city, ..) = PLACES[index / DEPARTMENTS.len() % PLACES.len()];
    let round = index / (DEPARTMENTS.len() * PLACES.len());
    let name = if round == 0 { format!("{department} {city}") } else { format!("{department} {city} {}", round + 1) };
    let description = match random.random_range(0..4) {
        0 => Datum::Null,
        1 => Datum::Text("".into()),
        _ => Datum::Text(format!("People of {department} in {city}").into()),
    };
    let mut profile = Profile::with_capacity(2);
    profile.set("name", Datum::Text(name.into()));
    profile.set("description", description);
    let created = Stamp::from_seconds(start + random.random_range(0..86_400));
    let id = store.ids.next("00g");
    store.groups.add(Group {
        id,
        kind: GroupKind::Okta,
        created,
        last_updated: created,
        last_membership_updated: created,
        profile,
        members: NumberSet::default(),
    })
}

/// Some of the groups, in ascending order; low numbers are drawn more often, so that sizes differ.
fn choose(random: &mut Pcg64, groups: &[GroupNumber]) -> Vec<GroupNumber> {
    if groups.is_empty() {
        return Vec::new();
    }
    let wanted = random.random_range(GROUPS_PER_USER).min(groups.len());
    let mut chosen: Vec<usize> = Vec::with_capacity(wanted);
    let mut draws = 0;
    while chosen.len() < wanted && draws < 8 * wanted {
        draws += 1;
        let share: f64 = random.random();
        let index = (share * share * groups.len() as f64) as usize;
        if !chosen.contains(&index) {
            chosen.push(index);
        }
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|index| groups[index]).collect()
}

/// Attribute names, made once and shared by every profile.
struct Names {
    first_name: Name,
    last_name: Name,
    mobile_phone: Name,
    department: Name,
    title: Name,
    display_name: Name,
    city: Name,
    state: Name,
    country_code: Name,
    timezone: Name,
    employee_number: Name,
    user_type: Name,
    badge: Name,
    remote: Name,
    floor: Name,
    score: Name,
    skills: Name,
    hired: Name,
    second_email: Name,
    login: Name,
    email: Name,
}

impl Names {
    fn new() -> Self {
        Self {
            first_name: Arc::from("firstName"),
            last_name: Arc::from("lastName"),
            mobile_phone: Arc::from("mobilePhone"),
            department: Arc::from("department"),
            title: Arc::from("title"),
            display_name: Arc::from("displayName"),
            city: Arc::from("city"),
            state: Arc::from("state"),
            country_code: Arc::from("countryCode"),
            timezone: Arc::from("timezone"),
            employee_number: Arc::from("employeeNumber"),
            user_type: Arc::from("userType"),
            badge: Arc::from("badge"),
            remote: Arc::from("remoteWorker"),
            floor: Arc::from("officeFloor"),
            score: Arc::from("reviewScore"),
            skills: Arc::from("skills"),
            hired: Arc::from("hiredOn"),
            second_email: Arc::from("secondEmail"),
            login: Arc::from("login"),
            email: Arc::from("email"),
        }
    }
}

fn person(store: &mut Store, random: &mut Pcg64, names: &Names, index: usize, created: Stamp, now: Stamp) -> User {
    let status = draw_status(random);
    let profile = draw_profile(random, names, index, created);
    let after = |random: &mut Pcg64, earliest: Stamp| {
        let latest = now.seconds().max(earliest.seconds() + 1);
        Stamp::from_seconds(random.random_range(earliest.seconds()..latest))
    };
    let activated = (status != Status::Staged).then_some(created);
    let status_changed = match status {
        Status::Staged => None,
        Status::Active | Status::Provisioned => Some(created),
        _ => Some(after(random, created)),
    };
    let has_password = !matches!(status, Status::Staged | Status::Provisioned | Status::Deprovisioned);
    let last_login = (has_password && random.random_ratio(9, 10)).then(|| after(random, created));
    User {
        id: store.ids.next("00u"),
        status,
        created,
        activated,
        status_changed,
        last_login,
        last_updated: after(random, status_changed.unwrap_or(created)),
        password_changed: has_password.then_some(created),
        type_id: store.default_type,
        profile,
        password: has_password.then_some(Password::Shared),
        recovery_question: None,
        provider: None,
        groups: NumberSet::default(),
    }
}

fn draw_status(random: &mut Pcg64) -> Status {
    let mut drawn = random.random_range(0..1_000);
    for (status, share) in STATUSES {
        if drawn < share {
            return status;
        }
        drawn -= share;
    }
    Status::Active
}

/// A profile in the order in which Okta prints it.
fn draw_profile(random: &mut Pcg64, names: &Names, index: usize, created: Stamp) -> Profile {
    let text = |text: &str| Datum::Text(text.into());
    let pick = |random: &mut Pcg64, from: &'static [&'static str]| from[random.random_range(0..from.len())];
    let (first, last) = (pick(random, FIRST), pick(random, LAST));
    let (department, titles) = DEPARTMENTS[random.random_range(0..DEPARTMENTS.len())];
    let (city, state, country, timezone) = PLACES[random.random_range(0..PLACES.len())];
    let login = format!("{}.{}.{index}@oktant.example", mailbox(first), mailbox(last));
    let mut profile = Profile::with_capacity(20);
    profile.push(&names.first_name, text(first));
    profile.push(&names.last_name, text(last));
    let phone = random.random_ratio(1, 2).then(|| format!("+1 555 {:07}", random.random_range(0..10_000_000)));
    profile.push(&names.mobile_phone, phone.map_or(Datum::Null, |phone| Datum::Text(phone.into())));
    profile.push(&names.department, text(department));
    profile.push(&names.title, text(titles[random.random_range(0..titles.len())]));
    if random.random_ratio(1, 3) {
        profile.push(&names.display_name, Datum::Text(format!("{first} \"{}\" {last}", &department[..1]).into()));
    }
    profile.push(&names.city, text(city));
    // An empty text is not the same as none; some places have neither state.
    profile.push(&names.state, text(state));
    profile.push(&names.country_code, text(country));
    profile.push(&names.timezone, text(timezone));
    profile.push(&names.employee_number, Datum::Text(format!("{:06}", 100_000 + index).into()));
    profile.push(&names.user_type, text(if random.random_ratio(1, 5) { "Contractor" } else { "Employee" }));
    draw_custom(&mut profile, random, names, created);
    let second = random.random_ratio(1, 4).then(|| format!("{}{index}@mail.example", mailbox(last)));
    profile.push(&names.second_email, second.map_or(Datum::Null, |second| Datum::Text(second.into())));
    profile.push(&names.login, text(&login));
    profile.push(&names.email, text(&login));
    profile
}

/// The custom attributes that [`super::builtin`] declares in the schema, each absent for some.
fn draw_custom(profile: &mut Profile, random: &mut Pcg64, names: &Names, created: Stamp) {
    if random.random_ratio(4, 5) {
        profile.push(&names.badge, Datum::Text(format!("B-{:05}", random.random_range(0..100_000)).into()));
    }
    if random.random_ratio(9, 10) {
        profile.push(&names.remote, Datum::Boolean(random.random_ratio(1, 3)));
    }
    if random.random_ratio(3, 4) {
        profile.push(&names.floor, Datum::Integer(random.random_range(-2..40)));
    }
    if random.random_ratio(2, 3) {
        profile.push(&names.score, Datum::Number(f64::from(random.random_range(0..500)) / 100.0));
    }
    if random.random_ratio(1, 2) {
        let count = random.random_range(0..4);
        let start = random.random_range(0..SKILLS.len());
        let skills = (0..count).map(|offset| Datum::Text(SKILLS[(start + offset) % SKILLS.len()].into())).collect();
        profile.push(&names.skills, Datum::List(skills));
    }
    if random.random_ratio(9, 10) {
        profile.push(&names.hired, Datum::Text(created.text()[..10].into()));
    }
}

/// The letters of a name that every mail system takes.
fn mailbox(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    if letters.is_empty() { "user".to_owned() } else { letters.to_ascii_lowercase() }
}
