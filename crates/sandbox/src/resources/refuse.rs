//! What is not done, and how that is said.

use super::collection::{Collection, Document};
use super::recipe::{Failure, Recipe};
use super::template;
use crate::http::{ApiError, Call};

pub(super) fn refuse(call: &Call<'_>, recipe: &'static Recipe, document: &Document) -> Result<(), ApiError> {
    let applies = |when: &Document| when.iter().all(|(name, value)| template::at_path(document, name) == Some(value));
    let found = recipe.refusals.iter().find(|refusal| {
        let filter = call.query("filter").unwrap_or_default();
        refusal.operations.iter().any(|id| id == call.operation.id)
            && applies(&refusal.when.members())
            && refusal.unless_filter.as_ref().is_none_or(|text| !filter.contains(text))
    });
    found.map_or(Ok(()), |refusal| Err(failure(&refusal.error)))
}

pub(super) fn refuse_more(items: &Collection, recipe: &'static Recipe) -> Result<(), ApiError> {
    match &recipe.most {
        Some(most) if items.iter().count() >= most.items => Err(failure(&most.error)),
        _ => Ok(()),
    }
}

pub(super) fn refuse_duplicate(
    items: &Collection,
    recipe: &'static Recipe,
    sent: &Document,
    own: Option<&str>,
) -> Result<(), ApiError> {
    let key = Some(&recipe.key).filter(|key| !key.is_empty());
    for member in recipe.unique.iter().chain(key) {
        let Some(wanted) = template::at_path(sent, member) else { continue };
        let mut others = items.iter().filter(|(key, _)| Some(*key) != own);
        if others.any(|(_, document)| template::at_path(document, member) == Some(wanted)) {
            if let Some(error) = &recipe.duplicate {
                return Err(failure(error));
            }
            let reason = "An object with this field already exists in the current organization";
            return Err(ApiError::invalid_field(member, reason));
        }
    }
    Ok(())
}

fn failure(failure: &'static Failure) -> ApiError {
    let error = ApiError::known(failure.status, &failure.code, &failure.summary);
    failure.causes.iter().fold(error, |error, cause| error.cause(cause.clone()))
}
