//! Suggests known names for unknown ones.

/// Up to `count` of `known` that `name` may have meant, the nearest first.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    // A third of the letters wrong is a typing mistake; more is another word.
    let letters = wanted.chars().count();
    let tolerance = (letters / 3).max(1);
    let mut candidates: Vec<(usize, &str)> = known
        // The distance is no less than what one is longer; what people paste may be long, and comparing it slow.
        .filter(|known| known.chars().count().abs_diff(letters) <= tolerance)
        .map(|known| (strsim::damerau_levenshtein(&wanted, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= tolerance)
        .collect();
    candidates.sort_unstable();
    candidates.into_iter().take(count).map(|(_, known)| known).collect()
}
