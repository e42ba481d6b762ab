//! The known name that a misspelled one probably means.

/// Least similarity, from 0 to 1, of a name worth proposing.
const SIMILARITY_MIN: f64 = 0.7;

/// Similarity of a candidate that ends in the name: `Login` means `ProfileLogin`.
const SIMILARITY_OF_ENDS: f64 = 0.95;

/// Names shorter than this end too many others.
const END_MIN: usize = 3;

/// The candidate nearest to `name`, ignoring case, if any is near enough.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (similarity(&name, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate.to_owned())
}

fn similarity(name: &str, candidate: &str) -> f64 {
    match candidate.strip_suffix(name) {
        // Attributes of the profile are what people look for.
        Some("profile") if name.len() >= END_MIN => 1.0,
        Some(_) if name.len() >= END_MIN => SIMILARITY_OF_ENDS,
        _ => strsim::jaro_winkler(name, candidate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_proposed_and_far_ones_are_not() {
        let known = ["Users", "Groups", "UserFactors"];
        assert_eq!(nearest("user", known).as_deref(), Some("Users"));
        assert_eq!(nearest("GROPS", known).as_deref(), Some("Groups"));
        assert_eq!(nearest("xyz", known), None);
    }

    #[test]
    fn a_name_means_what_ends_in_it() {
        let known = ["LastLogin", "RealmId", "ProfileLogin", "ProfileEmail", "ProfileSecondEmail"];
        assert_eq!(nearest("Login", known).as_deref(), Some("ProfileLogin"));
        assert_eq!(nearest("email", known).as_deref(), Some("ProfileEmail"));
        assert_eq!(nearest("secondEmail", known).as_deref(), Some("ProfileSecondEmail"));
    }
}
