//! Suggests known names for unknown ones.

/// The one of `known` that `name` may have meant: a third of its letters may be wrong.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let tolerance = (name.chars().count() / 3).max(1);
    let distance = |known: &'a str| (strsim::damerau_levenshtein(&known.to_lowercase(), &wanted), known);
    let (distance, known) = known.into_iter().map(distance).min()?;
    (distance <= tolerance).then_some(known)
}
