//! Queries: those without a table and over the account's own tables are answered here, all others by the
//! engine, once it is known that the session may read what they name.

pub(crate) mod eval;
pub(crate) mod functions;
mod history;
mod information;
mod select;
pub(crate) mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use oktant_base::Timestamp;
use sqlparser::ast::{
    Expr, Function, Ident, ObjectName, Query, SetExpr, TableFactor, Visit as _, Visitor, visit_expressions,
    visit_relations,
};
use sqlparser::tokenizer::{Location, Token};

use crate::engine::{Binding, EngineQuery};
use crate::error::SnowflakeError;
use crate::model::user::SecondaryRoles;
use crate::model::{Id, role};
use crate::result::{Context, Rows};
use crate::session::Session;
use crate::statement::cursor;
use crate::statement::grant::table_name;
use crate::statement::integration::generate_token;
use crate::statement::run::{Environment, Mode};
use value::Value;

/// What expressions may ask for: time, session, bound values, and what functions with effects gave.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) now: Timestamp,
    pub(crate) user: String,
    pub(crate) account_name: String,
    pub(crate) session_id: i64,
    pub(crate) client_ip: Option<String>,
    pub(crate) context: Context,
    /// The names of the active roles.
    pub(crate) roles: Vec<String>,
    /// The names of the roles that the user could take on.
    pub(crate) available_roles: Vec<String>,
    pub(crate) secondary_roles: String,
    pub(crate) last_query_id: Option<String>,
    /// Values of calls that changed something, by the text of the call.
    pub(crate) effects: BTreeMap<String, Value>,
    bound: Vec<Value>,
    /// Where each `?` stands.
    marks: Vec<Location>,
}

impl Scope {
    /// The value bound to a placeholder: `?` by its place, `:2` by its number.
    pub(crate) fn bound(&self, mark: &str, at: Location) -> Result<Value, SnowflakeError> {
        let index = match mark.strip_prefix(':') {
            Some(digits) => digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1)),
            None => self.marks.iter().position(|place| *place == at),
        };
        let missing = || SnowflakeError::bind_missing(index.map_or(1, |index| index + 1));
        index.and_then(|index| self.bound.get(index)).cloned().ok_or_else(missing)
    }

    async fn new(
        session: &Session,
        environment: &Environment,
        sql: &str,
        bindings: &[Binding],
    ) -> Result<Self, SnowflakeError> {
        let authority = &environment.authority;
        let mut connection = session.account().0.db.read().await?;
        let tx = &mut *connection;
        let names = role::names(tx, authority.available.union(&authority.active).copied()).await?;
        let called = |ids: &BTreeSet<Id>| ids.iter().filter_map(|id| names.get(id).cloned()).collect();
        let (roles, available_roles) = (called(&authority.active), called(&authority.available));
        drop(connection);
        let state = session.state();
        let value = if state.secondary == SecondaryRoles::All { "ALL" } else { "" };
        let tokens = cursor::tokenize(sql)?;
        let marks = tokens.iter().filter(|token| token.token == Token::Placeholder("?".to_owned()));
        Ok(Self {
            now: environment.now,
            user: authority.user_name.clone(),
            account_name: session.account().name().to_owned(),
            session_id: session.id(),
            client_ip: state.client_ip.map(|ip| ip.to_string()),
            context: Context { role: Some(authority.role_name.clone()), ..state.context },
            roles,
            available_roles,
            secondary_roles: serde_json::json!({ "roles": "", "value": value }).to_string(),
            last_query_id: state.last_query_id.map(|id| id.to_string()),
            effects: BTreeMap::new(),
            bound: bindings.iter().map(Value::from_binding).collect::<Result<_, _>>()?,
            marks: marks.map(|token| token.span.start).collect(),
        })
    }
}

/// An identifier as it is compared: upper case unless it is quoted.
pub(crate) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_uppercase() }
}

/// The parts of a name as they are compared.
pub(crate) fn path(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident()).map(folded).collect()
}

/// Answers a query.
pub(crate) async fn run(
    session: &Session,
    sql: &str,
    query: &Query,
    bindings: &[Binding],
    mode: Mode,
) -> Result<Rows, SnowflakeError> {
    let environment = Environment::of(session).await?;
    let Some(local) = local_select(query, &environment.context) else {
        return ask_engine(session, &environment, sql, query, bindings, mode).await;
    };
    let mut scope = Scope::new(session, &environment, sql, bindings).await?;
    for call in calls_with_effects(query) {
        let value = run_call(session, &scope, &call, mode).await?;
        scope.effects.insert(call.to_string(), value);
    }
    let source = match local.source {
        None => None,
        Some(Source::Function(call)) => Some(history::rows(session, &environment, &scope, call, mode).await?),
        Some(Source::View(view)) => Some(view.rows(session, &environment, mode).await?),
    };
    let mut rows = select::run(&scope, query, local.select, source)?;
    if mode == Mode::Describe {
        rows.rows.clear();
    }
    Ok(rows)
}

/// A query that the account answers itself: over nothing, over one table function, or over one view of
/// `INFORMATION_SCHEMA`.
struct Local<'a> {
    select: &'a sqlparser::ast::Select,
    source: Option<Source<'a>>,
}

enum Source<'a> {
    Function(&'a Function),
    View(information::View),
}

fn local_select<'a>(query: &'a Query, context: &Context) -> Option<Local<'a>> {
    let SetExpr::Select(select) = &*query.body else { return None };
    if query.with.is_some() {
        return None;
    }
    let source = match select.from.as_slice() {
        [] => {
            // A subquery may still name a table.
            let names_table = visit_relations(query, |_| ControlFlow::Break(())).is_break();
            return (!names_table).then_some(Local { select, source: None });
        }
        [from] if from.joins.is_empty() => match &from.relation {
            TableFactor::TableFunction { expr: Expr::Function(function), .. } => Source::Function(function),
            TableFactor::Table { name, args: None, .. } => {
                Source::View(information::View::named(&path(name), context)?)
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(Local { select, source: Some(source) })
}

/// The calls of `SYSTEM$…` functions, each once.
fn calls_with_effects(query: &Query) -> Vec<Function> {
    let mut calls: Vec<Function> = Vec::new();
    let _ = visit_expressions(query, |expression| {
        if let Expr::Function(function) = expression
            && eval::function_name(function).starts_with("SYSTEM$")
            && !calls.contains(function)
        {
            calls.push(function.clone());
        }
        ControlFlow::<()>::Continue(())
    });
    calls
}

async fn run_call(session: &Session, scope: &Scope, call: &Function, mode: Mode) -> Result<Value, SnowflakeError> {
    let name = eval::function_name(call);
    if name != "SYSTEM$GENERATE_SCIM_ACCESS_TOKEN" {
        return Err(SnowflakeError::unknown_function(&name));
    }
    let arguments = eval::positional(scope, eval::Record::EMPTY, call)?;
    let [Value::Text(integration)] = arguments.as_slice() else {
        return Err(SnowflakeError::invalid_argument(&arguments.len().to_string(), &name));
    };
    if mode == Mode::Describe {
        return Ok(Value::Text(String::new()));
    }
    let (own, integration) = (session.clone(), integration.clone());
    let token = session.account().0.db.write(move |tx| {
        Box::pin(async move {
            let environment = Environment::new(&own, &mut *tx).await?;
            generate_token(tx, &environment, &integration).await
        })
    });
    let token = token.await?;
    session.account().security_changed();
    Ok(Value::Text(token.into_exposed()))
}

/// The names that `WITH` gives anywhere in a query.
#[derive(Default)]
struct NamesOfWith(Vec<String>);

impl Visitor for NamesOfWith {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = query.with.iter().flat_map(|clause| &clause.cte_tables);
        self.0.extend(tables.map(|table| folded(&table.alias.name)));
        ControlFlow::Continue(())
    }
}

/// Hands a query to the engine, if every table that it names exists and may be read.
async fn ask_engine(
    session: &Session,
    environment: &Environment,
    sql: &str,
    query: &Query,
    bindings: &[Binding],
    mode: Mode,
) -> Result<Rows, SnowflakeError> {
    let tables = session.account().engine_tables();
    let readable = environment.authority.readable(&tables);
    let mut with = NamesOfWith::default();
    let _ = query.visit(&mut with);
    let mut refused = None;
    let _ = visit_relations(query, |name: &ObjectName| {
        let path = path(name);
        let table = table_name(&path, &environment.context);
        let known = table.as_ref().is_some_and(|table| tables.contains(table));
        // A name that WITH gives is no table, unless one is called so, too: then the privilege is asked for.
        let from_with = !known && path.len() == 1 && with.0.contains(&path[0]);
        if from_with || known && table.is_some_and(|table| readable.contains(&table)) {
            return ControlFlow::Continue(());
        }
        refused = Some(path.join("."));
        ControlFlow::Break(())
    });
    if let Some(name) = refused {
        return Err(SnowflakeError::does_not_exist("Object", &name));
    }
    let Some(engine) = &session.account().0.config.engine else {
        return Err(SnowflakeError::unsupported("QUERY"));
    };
    let question = EngineQuery {
        sql,
        bindings,
        readable: &readable,
        user: &environment.authority.user_name,
        role: &environment.authority.role_name,
        describe_only: mode == Mode::Describe,
    };
    tokio::select! {
        rows = engine.query(question) => rows,
        () = session.revoked() => Err(SnowflakeError::session_gone()),
    }
}
