//! Which parts of an object are asked for.

use std::collections::BTreeSet;

use datafusion::logical_expr::Expr;

use crate::relation::{Origin, Relation};

/// Positions of the columns that `filters` mention.
pub(crate) fn mentioned(filters: &[Expr], relation: &Relation) -> BTreeSet<usize> {
    filters.iter().flat_map(Expr::column_refs).filter_map(|column| relation.position(column.name())).collect()
}

/// Values of `expand` that the columns need, joined as the parameter takes them.
pub(crate) fn expand(relation: &Relation, columns: &[usize]) -> Option<String> {
    let values: BTreeSet<_> = columns.iter().filter_map(|&position| relation.columns()[position].expand).collect();
    (!values.is_empty()).then(|| values.into_iter().collect::<Vec<_>>().join(","))
}

/// The value of `fields` that returns just what the columns need, such as `id,profile:(login)`.
/// `None` where some column needs more than a member of the object or of its profile, or where
/// nothing would be saved.
pub(crate) fn fields(relation: &Relation, route: usize, columns: &[usize]) -> Option<String> {
    let mut members = vec!["id"];
    let mut profile = Vec::new();
    for &position in columns {
        match relation.columns()[position].origin(route) {
            Origin::Path(path) => match path.as_slice() {
                [whole] if whole == "profile" => return None,
                [outer, inner] if outer == "profile" => profile.push(inner.as_str()),
                [outer, ..] if !outer.starts_with('_') => members.push(outer),
                _ => return None,
            },
            Origin::Parent(_) | Origin::OfParent(_) | Origin::Absent | Origin::Input(_) => {}
            Origin::FirstOf(_) | Origin::UrlTail(_) => return None,
        }
    }
    let mut seen = BTreeSet::new();
    members.retain(|member| seen.insert(*member));
    let members = members.join(",");
    Some(if profile.is_empty() { members } else { format!("{members},profile:({})", profile.join(",")) })
}
