//! The known name that a misspelled one probably means.

/// Least similarity, from 0 to 1, of a name worth proposing.
const SIMILARITY_MIN: f64 = 0.7;

/// The candidate nearest to `name`, ignoring case, if any is near enough.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate.to_owned())
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
}
