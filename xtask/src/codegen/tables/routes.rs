//! Access paths: what an operation takes, and what the overlay says about it.

use super::super::Error;
use super::super::model::{Location, Operation};
use super::super::names::pascal_case;
use super::super::overlay::{self, Overlay};
use super::{ParentKey, Route, Table};

/// Joins an entry with its operation.
pub(crate) fn route<'a>(
    overlay: &Overlay,
    entry: &'a overlay::Route,
    operation: &'a Operation,
) -> Result<Route<'a>, Error> {
    let parameters = path_parameters(&operation.path);
    if parameters.len() != entry.parents.len() {
        let problem =
            format!("{} has {} path parameters, `parents` {}", operation.id, parameters.len(), entry.parents.len());
        return Err(overlay.error(&entry.operation, problem));
    }
    let parents = parameters.into_iter().zip(&entry.parents).map(|(parameter, parent)| ParentKey {
        column: parent.column.clone().unwrap_or_else(|| parent_column(&operation.path, &parameter)),
        parameter,
        entry: parent,
    });
    let names: Vec<_> = entry.expressions.iter().map(|expression| &expression.parameter).collect();
    let names = names.into_iter().chain(entry.parameters.iter().map(|parameter| &parameter.name));
    for name in names {
        let mut query = operation.parameters_in(Location::Query);
        if !query.any(|parameter| parameter.name == *name.get_ref()) {
            return Err(overlay.error(name, format!("{} takes no parameter {}", operation.id, name.get_ref())));
        }
    }
    let declared = operation.limit.and_then(|limit| limit.max.or(limit.default)).unwrap_or_default();
    Ok(Route { entry, operation, parents: parents.collect(), page: entry.page.unwrap_or(declared) })
}

/// The columns that an entry names exist.
pub(crate) fn check(overlay: &Overlay, table: &Table<'_>) -> Result<(), Error> {
    for name in &table.entry.key {
        table.column(overlay, name)?;
    }
    for route in &table.entry.routes {
        let parameters = route.parameters.iter().map(|parameter| &parameter.column);
        for name in parameters.chain(route.time_range.iter().map(|range| &range.column)) {
            table.column(overlay, name)?;
        }
        for parameter in route.parameters.iter().filter(|parameter| parameter.enumerate) {
            if table.column(overlay, &parameter.column)?.values.is_empty() {
                return Err(overlay.error(&parameter.column, "the column has no enumeration to go through"));
            }
        }
    }
    Ok(())
}

/// The names of the path parameters, in order.
pub(crate) fn path_parameters(path: &str) -> Vec<String> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(str::to_owned).collect()
}

/// The column of a path parameter. A bare `id` is called after the collection before it:
/// `/users/{id}/groups` has `UserId`.
fn parent_column(path: &str, parameter: &str) -> String {
    let parameter =
        parameter.strip_suffix("OrLogin").or_else(|| parameter.strip_suffix("OrLabel")).unwrap_or(parameter);
    if parameter != "id" {
        return pascal_case(parameter);
    }
    let before = path.split_once("/{id}").map_or(path, |(before, _)| before);
    let collection = before.rsplit('/').next().unwrap_or_default();
    format!("{}Id", pascal_case(collection.strip_suffix('s').unwrap_or(collection)))
}

#[cfg(test)]
mod tests {
    use super::parent_column;

    #[test]
    fn parameters_name_columns() {
        for (path, parameter, column) in [
            ("/api/v1/groups/{groupId}/users", "groupId", "GroupId"),
            ("/api/v1/users/{id}/groups", "id", "UserId"),
            ("/api/v1/users/{userIdOrLogin}/linkedObjects", "userIdOrLogin", "UserId"),
            ("/api/v1/iam/roles/{roleIdOrLabel}/permissions", "roleIdOrLabel", "RoleId"),
        ] {
            assert_eq!(parent_column(path, parameter), column);
        }
    }
}
