//! What can be enrolled, and the security questions.

use serde_json::{Value, json};

use super::model::Factor;
use crate::http::{Call, Outcome, Reply};
use crate::store::{Id, Store};
use crate::users;

/// The security questions: key and text.
///
/// # Source
///
/// Observed and documented; the spelling of the eleventh key is the service's.
const QUESTIONS: [(&str, &str); 19] = [
    ("disliked_food", "What is the food you least liked as a child?"),
    ("name_of_first_plush_toy", "What is the name of your first stuffed animal?"),
    ("first_award", "What did you earn your first medal or award for?"),
    ("favorite_security_question", "What is your favorite security question?"),
    ("favorite_toy", "What is the toy/stuffed animal you liked the most as a kid?"),
    ("first_computer_game", "What was the first computer game you played?"),
    ("favorite_movie_quote", "What is your favorite movie quote?"),
    ("first_sports_team_mascot", "What was the mascot of the first sports team you played on?"),
    ("first_music_purchase", "What music album or song did you first purchase?"),
    ("favorite_art_piece", "What is your favorite piece of art?"),
    ("grandmother_favorite_desert", "What was your grandmother's favorite dessert?"),
    ("first_thing_cooked", "What was the first thing you learned to cook?"),
    ("childhood_dream_job", "What was your dream job as a child?"),
    ("place_where_significant_other_was_met", "Where did you meet your spouse/significant other?"),
    ("favorite_vacation_location", "Where did you go for your favorite vacation?"),
    ("new_years_two_thousand", "Where were you on New Year's Eve in the year 2000?"),
    ("favorite_speaker_actor", "Who is your favorite speaker/orator?"),
    ("favorite_book_movie_character", "Who is your favorite book/movie character?"),
    ("favorite_sports_player", "Who is your favorite sports player?"),
];

/// Factors that the org lets its users enrol.
const SUPPORTED: [(&str, &str); 7] = [
    ("token:software:totp", "GOOGLE"),
    ("token:software:totp", "OKTA"),
    ("question", "OKTA"),
    ("sms", "OKTA"),
    ("call", "OKTA"),
    ("email", "OKTA"),
    ("push", "OKTA"),
];

/// The text of a question, if there is one of this key.
pub(super) fn question_text(key: &str) -> Option<&'static str> {
    QUESTIONS.iter().find(|(known, _)| *known == key).map(|(_, text)| *text)
}

/// `listSupportedFactors`.
pub(super) fn supported(store: &Store, call: &Call<'_>) -> Outcome {
    let user = users::shared(store, call)?;
    let factors = store.factors.of(user);
    let entries: Vec<Value> =
        SUPPORTED.iter().map(|(kind, provider)| entry(&factors, call, user.id, kind, provider)).collect();
    Ok(Reply::json(&entries))
}

fn entry(factors: &[Factor], call: &Call<'_>, user: Id, kind: &str, provider: &str) -> Value {
    let path = format!("/api/v1/users/{user}/factors");
    let enrolled = factors.iter().find(|factor| factor.type_name == kind && factor.provider == provider);
    let mut links = json!({ "enroll": { "href": call.url(&path), "hints": { "allow": ["POST"] } } });
    if kind == "question" {
        links["questions"] = json!({ "href": call.url(&format!("{path}/questions")), "hints": { "allow": ["GET"] } });
    }
    json!({
        "factorType": kind,
        "provider": provider,
        "vendorName": provider,
        "status": enrolled.map_or("NOT_SETUP", super::view::status),
        "_links": links,
    })
}

/// `listSupportedSecurityQuestions`.
pub(super) fn questions(store: &Store, call: &Call<'_>) -> Outcome {
    users::shared(store, call)?;
    let entry = |(key, text): &(&str, &str)| json!({ "question": key, "questionText": text });
    Ok(Reply::json(&QUESTIONS.iter().map(entry).collect::<Vec<_>>()))
}
