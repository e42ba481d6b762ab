//! Lists and searches, by index and by cursor.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::parameters::Parameters;
use super::serve::Exchange;
use crate::cursor::Cursor;
use crate::error::{Error, ScimType};
use crate::filter::Filter;
use crate::projection::Projection;
use crate::provider::Provider;
use crate::query::{ListQuery, Page, Sort};
use crate::schema::{Kind, Path};

/// URN of a list.
pub(super) const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Resources that were found, as the answer shows them.
#[derive(Default)]
struct Found {
    resources: Vec<Value>,
    total: Option<u64>,
    more: bool,
}

impl<P: Provider> Exchange<'_, P> {
    /// Lists resources of some kinds, one kind after the other.
    pub(super) async fn list(&self, kinds: &[Kind], parameters: &Parameters) -> Result<Answer, Error> {
        let queries: Vec<ListQuery> =
            kinds.iter().map(|kind| self.query(*kind, kinds, parameters)).collect::<Result<_, _>>()?;
        match &parameters.cursor {
            Some(_) if parameters.start_index.is_some() => {
                Err(Error::invalid_value("cursor and startIndex exclude each other"))
            }
            Some(cursor) => self.by_cursor(queries, cursor, parameters).await,
            None => self.by_index(queries, parameters).await,
        }
    }

    fn query(&self, kind: Kind, kinds: &[Kind], parameters: &Parameters) -> Result<ListQuery, Error> {
        let resource_type = kind.resource_type(self.profile);
        let filter = match &parameters.filter {
            None => None,
            Some(text) if kinds.len() > 1 => Some(Filter::parse_for_all(text, kind, self.profile)?),
            Some(text) => Some(Filter::parse(text, kind, self.profile)?),
        };
        let (attributes, excluded) = (parameters.attributes.as_deref(), parameters.excluded_attributes.as_deref());
        // What cannot be sorted by is ignored.
        let sort = parameters.sort_by.as_deref().and_then(|path| Path::resolve(path, resource_type));
        Ok(ListQuery {
            kind,
            filter,
            sort: sort.filter(is_sortable).map(|path| Sort { path, descending: parameters.descending }),
            page: Page::Index { start: 1, count: 0 },
            projection: Projection::parse(attributes, excluded, resource_type, self.profile)?,
            wants_total: true,
        })
    }

    async fn by_index(&self, queries: Vec<ListQuery>, parameters: &Parameters) -> Result<Answer, Error> {
        let limits = &self.service.settings.limits;
        let asked = parameters.count.unwrap_or(limits.page_default as i64).max(0) as u64;
        let mut count = asked.min(limits.page_max as u64) as usize;
        let mut start = parameters.start_index.unwrap_or(1).max(1) as u64;
        if self.profile.is_snowflake() && queries.iter().any(is_equality) {
            // Snowflake does not page what equals a name.
            (start, count) = (1, limits.page_default);
        }
        let found = self.indexed(queries.clone(), start, count).await?;
        let shown = found.resources.len();
        let (total, per_page) = if self.profile.is_snowflake() {
            // Whoever goes on by it skips nothing of a page that is shorter than asked for.
            let per_page = if found.more { shown } else { count };
            (self.snowflake_total(queries, &found, start, count).await?, per_page)
        } else {
            (found.total.unwrap_or_default(), shown)
        };
        Ok(Answer::ok(json!({
            "schemas": [LIST_SCHEMA],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": per_page,
            "Resources": found.resources,
        })))
    }

    /// `start` counts over all kinds.
    async fn indexed(&self, queries: Vec<ListQuery>, start: u64, count: usize) -> Result<Found, Error> {
        let mut found = Found::default();
        let mut total = 0;
        let several = queries.len() > 1;
        for mut query in queries {
            // Behind a page that ends early nothing of the next kind is shown.
            let left = if found.more { 0 } else { count - found.resources.len() };
            query.page = Page::Index { start: start.saturating_sub(total).max(1), count: left };
            query.wants_total = several || !self.profile.is_snowflake() || count == 0;
            // A page that lies before this kind takes nothing of it, and still needs its size.
            let listing = self.service.provider.list(self.context, &query).await?;
            found.more |= listing.more;
            total += listing.total.unwrap_or_default();
            found.total = Some(total);
            found.resources.extend(listing.resources.iter().map(|stored| self.item(stored, &query)));
        }
        Ok(found)
    }

    /// While there are more pages, the position after this one; the number of all on the last.
    ///
    /// # Source
    ///
    /// Snowflake behaviour change 2276.
    async fn snowflake_total(
        &self,
        queries: Vec<ListQuery>,
        found: &Found,
        start: u64,
        count: usize,
    ) -> Result<u64, Error> {
        if found.more && count > 0 {
            return Ok(start + found.resources.len() as u64);
        }
        if count == 0 {
            return Ok(found.total.unwrap_or_default());
        }
        if found.resources.is_empty() && start > 1 {
            return Ok(self.indexed(queries, 1, 0).await?.total.unwrap_or_default());
        }
        Ok(start - 1 + found.resources.len() as u64)
    }

    async fn by_cursor(&self, queries: Vec<ListQuery>, text: &str, parameters: &Parameters) -> Result<Answer, Error> {
        let service = self.service;
        let kinds: Vec<&str> = queries.iter().map(|query| query.kind.name()).collect();
        let bound = format!("{} {} {}", self.base_url, kinds.join(","), parameters.fingerprint());
        let now = service.settings.clock.now();
        let cursor = match text {
            "" => None,
            text => Some(service.cursors.read(text, &bound, now)?),
        };
        let count = self.cursor_count(cursor.as_ref(), parameters.count)?;
        let (mut kind, mut position) = cursor.map_or((0, None), |cursor| (cursor.kind, cursor.position));
        let mut resources = Vec::new();
        let mut total = None;
        let mut next = None;
        while let Some(query) = queries.get(kind) {
            let mut query = query.clone();
            query.page = Page::After { position: position.take(), count: count - resources.len() };
            query.wants_total = false;
            let listing = service.provider.list(self.context, &query).await?;
            resources.extend(listing.resources.iter().map(|stored| self.item(stored, &query)));
            if queries.len() == 1 {
                total = listing.total;
            }
            if !listing.more {
                kind += 1;
                continue;
            }
            let lifetime = TimeDelta::from_std(service.settings.limits.cursor_lifetime).unwrap_or(TimeDelta::MAX);
            let expires = now.checked_add_signed(lifetime).unwrap_or(now).timestamp();
            let cursor = Cursor { expires, count, kind, position: listing.position };
            next = Some(service.cursors.write(&cursor, &bound)?);
            break;
        }
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([LIST_SCHEMA]));
        body.extend(total.map(|total| ("totalResults".to_owned(), total.into())));
        body.insert("itemsPerPage".to_owned(), resources.len().into());
        body.extend(next.map(|next| ("nextCursor".to_owned(), next.into())));
        body.insert("Resources".to_owned(), Value::Array(resources));
        Ok(Answer::ok(Value::Object(body)))
    }

    /// Every page of a walk has the same size.
    fn cursor_count(&self, cursor: Option<&Cursor>, asked: Option<i64>) -> Result<usize, Error> {
        let limits = &self.service.settings.limits;
        let invalid = |detail: String| Err(Error::bad_request(ScimType::InvalidCount, detail));
        let asked = match asked {
            Some(asked) if asked < 1 => return invalid("count must be 1 or more".to_owned()),
            asked => asked.map(|asked| asked.min(limits.page_max as i64) as usize),
        };
        match (cursor, asked) {
            (Some(cursor), Some(asked)) if asked != cursor.count => {
                invalid(format!("count was {} for the first page and stays so", cursor.count))
            }
            (Some(cursor), _) => Ok(cursor.count),
            (None, asked) => Ok(asked.unwrap_or(limits.page_default)),
        }
    }

    fn item(&self, stored: &crate::resource::Stored, query: &ListQuery) -> Value {
        Value::Object(query.projection.cut(stored.to_json(self.profile, self.base_url)))
    }
}

/// Whether values at a path have an order: a complex attribute needs a part, or a `value`.
fn is_sortable(path: &Path) -> bool {
    use crate::schema::{DataType, Returned};
    path.compared().data_type != DataType::Complex && path.target().returned != Returned::Never
}

/// Whether a filter asks for what equals a name, Snowflake's upper-cased alternative included.
fn is_equality(query: &ListQuery) -> bool {
    use crate::filter::Operator;
    match &query.filter {
        Some(Filter::Compare { operator, .. }) => *operator == Operator::Eq,
        Some(Filter::Or(_)) => true,
        _ => false,
    }
}
