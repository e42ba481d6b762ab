//! Statements over the simple and the extended protocol.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use futures::{Sink, Stream, StreamExt as _, TryStreamExt as _, stream};
use oktant_base::{Timestamp, codes};
use oktant_sql::{Params, Rows, lexer};
use pgwire::api::portal::{Format, Portal};
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::results::{DataRowEncoder, FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::stmt::QueryParser;
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, Type};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::DataRow;

use super::connection::{Connection, Running};
use super::habits::{self, Asker, Command};
use super::introspection::{self, Answer};
use super::{Handlers, failure, types};
use crate::metrics::{Outcome, Protocol};

/// A statement that is parsed and described.
#[derive(Debug, Clone)]
pub(super) struct Described {
    command: Arc<Command>,
    parameters: Vec<Type>,
    schema: SchemaRef,
}

/// The rows of a statement on their way to the client.
struct Flow {
    connection: Arc<Connection>,
    rows: Rows,
    schema: SchemaRef,
    fields: Arc<Vec<FieldInfo>>,
    began: Timestamp,
    running: Running,
}

impl Connection {
    /// Runs one statement. Rows have the types of `described`, where the client was told of some.
    async fn run(
        self: &Arc<Self>,
        command: &Command,
        params: Params,
        described: Option<&SchemaRef>,
        format: &Format,
    ) -> PgWireResult<Response> {
        let tag = |tag: &str| Tag::new(tag);
        match command {
            Command::Begin => Ok(Response::TransactionStart(tag("BEGIN"))),
            Command::End(text) => Ok(Response::TransactionEnd(tag(text))),
            Command::Nothing(text) => Ok(Response::Execution(tag(text))),
            Command::Setting(name, value) => {
                let answer = Answer { columns: vec![(*name).to_owned()], rows: vec![vec![Some((*value).to_owned())]] };
                told(&answer, "SHOW", format)
            }
            Command::About(question) => {
                let engine = self.engine().await?;
                let answer = introspection::answer(question, &engine).await.map_err(|error| failure::coded(&error))?;
                told(&answer, "SELECT", format)
            }
            Command::Query(sql) => self.query(sql, params, described, format).await,
        }
    }

    async fn query(
        self: &Arc<Self>,
        sql: &str,
        params: Params,
        described: Option<&SchemaRef>,
        format: &Format,
    ) -> PgWireResult<Response> {
        let running = self.begin();
        let began = self.front.clock.now();
        let outcome = self.unless_interrupted(&running, self.planned(sql, params)).await;
        let rows = match outcome {
            Ok(rows) => rows,
            Err(error) => {
                self.note(began, Outcome::Failed);
                return Err(error);
            }
        };
        let schema = described.map_or_else(|| Arc::new(types::shown(&rows.schema())), Arc::clone);
        let fields = Arc::new(types::fields(&schema, format)?);
        let flow = Flow { connection: Arc::clone(self), rows, schema, fields: Arc::clone(&fields), began, running };
        Ok(Response::Query(QueryResponse::new(fields, flow.into_rows())))
    }

    async fn planned(&self, sql: &str, params: Params) -> PgWireResult<Rows> {
        let engine = self.engine().await?;
        engine.query(sql, params).await.map_err(|error| failure::coded(&error))
    }

    fn note(&self, began: Timestamp, outcome: Outcome) {
        let took = (self.front.clock.now() - began).to_std().unwrap_or_default();
        self.front.metrics.statement_ended(Protocol::Postgres, outcome, took);
    }

    /// The columns of a statement, and the types of its parameters where the client has not declared them.
    async fn described(&self, sql: &str, declared: &[Option<Type>]) -> PgWireResult<Described> {
        let command = self.command(sql).await?;
        let (parameters, schema) = match &command {
            Command::Query(sql) => {
                let engine = self.engine().await?;
                let open = declared.iter().map(|kind| kind.as_ref().and_then(types::data_type)).collect();
                let preparing =
                    async { engine.prepare(sql, Params::Open(open)).await.map_err(|error| failure::coded(&error)) };
                let prepared = self.unless_interrupted(&self.begin(), preparing).await?;
                let parameters = prepared.parameters().iter().map(types::parameter_type).collect();
                (parameters, Arc::new(types::shown(&prepared.schema())))
            }
            Command::Setting(name, _) => (Vec::new(), Arc::new(text_schema(&[(*name).to_owned()]))),
            Command::About(question) => (placeholders(sql), Arc::new(text_schema(&introspection::columns(question)))),
            _ => (Vec::new(), Arc::new(Schema::empty())),
        };
        Ok(Described { command: Arc::new(command), parameters, schema })
    }

    async fn command(&self, sql: &str) -> PgWireResult<Command> {
        let asker = self.asker().await?;
        let user = asker.session.user();
        Ok(habits::read(sql, Asker { user, database: &asker.database }))
    }
}

impl Flow {
    /// The rows as the protocol carries them. A failure is an item, so that the client learns that what
    /// came before is not the answer.
    fn into_rows(self) -> impl Stream<Item = PgWireResult<DataRow>> + Send + 'static {
        let batches = stream::unfold(Some(self), |flow| async move {
            let mut flow = flow?;
            let connection = Arc::clone(&flow.connection);
            let rows = &mut flow.rows;
            let next = async { rows.try_next().await.map_err(|error| failure::coded(&error)) };
            let encoded = match connection.unless_interrupted(&flow.running, next).await {
                Ok(Some(batch)) => flow.encode(&batch),
                Ok(None) => {
                    connection.note(flow.began, Outcome::Done);
                    return None;
                }
                Err(error) => Err(error),
            };
            match encoded {
                Ok(rows) => Some((rows.into_iter().map(Ok).collect(), Some(flow))),
                Err(error) => {
                    connection.note(flow.began, Outcome::Failed);
                    Some((vec![Err(error)], None))
                }
            }
        });
        batches.flat_map(stream::iter)
    }

    fn encode(&self, batch: &arrow::array::RecordBatch) -> PgWireResult<Vec<DataRow>> {
        let batch = types::conformed(batch, &self.schema)
            .map_err(|error| failure::of_code(codes::OKT9001, format!("a column cannot be shown: {error}")))?;
        arrow_pg::encode_recordbatch(Arc::clone(&self.fields), batch).collect()
    }
}

/// An answer that needs no engine.
fn told(answer: &Answer, tag: &str, format: &Format) -> PgWireResult<Response> {
    let fields = Arc::new(types::fields(&text_schema(&answer.columns), format)?);
    let mut encoder = DataRowEncoder::new(Arc::clone(&fields));
    let mut rows = Vec::with_capacity(answer.rows.len());
    for row in &answer.rows {
        row.iter().try_for_each(|cell| encoder.encode_field(cell))?;
        rows.push(Ok(encoder.take_row()));
    }
    let mut response = QueryResponse::new(fields, stream::iter(rows));
    response.set_command_tag(tag);
    Ok(Response::Query(response))
}

fn text_schema(columns: &[String]) -> Schema {
    Schema::new(columns.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect::<Vec<_>>())
}

/// A text for each `$n` of a statement that the engine does not see.
fn placeholders(sql: &str) -> Vec<Type> {
    let number = |token: lexer::Token<'_>| token.text.strip_prefix('$')?.parse::<usize>().ok();
    let count = lexer::tokens(sql).filter_map(number).max().unwrap_or(0);
    vec![Type::TEXT; count.min(usize::from(u16::MAX))]
}

#[async_trait]
impl SimpleQueryHandler for Handlers {
    async fn do_query<C>(&self, _: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let mut answers = Vec::new();
        for sql in lexer::statements(query) {
            let answer = match self.connection.command(sql).await {
                Ok(command) => self.connection.run(&command, Params::None, None, &Format::UnifiedText).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) => answers.push(answer),
                Err(error) if answers.is_empty() => return Err(error),
                // The answers before it are told first; what follows does not run.
                Err(error) => {
                    answers.push(Response::Error(Box::new(error.into())));
                    break;
                }
            }
        }
        Ok(answers)
    }
}

#[async_trait]
impl ExtendedQueryHandler for Handlers {
    type Statement = Described;
    type QueryParser = Self;

    fn query_parser(&self) -> Arc<Self> {
        Arc::new(self.clone())
    }

    async fn do_query<C>(&self, _: &mut C, portal: &Portal<Described>, _max_rows: usize) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Described>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let described = &portal.statement.statement;
        let declared = &portal.statement.parameter_types;
        let kinds: Vec<Type> = described
            .parameters
            .iter()
            .enumerate()
            // As the description of the statement told the client: its own type first.
            .map(|(index, kind)| declared.get(index).cloned().flatten().unwrap_or_else(|| kind.clone()))
            .collect();
        let params = types::parameters(portal, &kinds)?;
        let format = &portal.result_column_format;
        self.connection.run(&described.command, params, Some(&described.schema), format).await
    }
}

#[async_trait]
impl QueryParser for Handlers {
    type Statement = Described;

    async fn parse_sql<C>(&self, _: &C, sql: &str, declared: &[Option<Type>]) -> PgWireResult<Option<Described>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        match lexer::statements(sql).as_slice() {
            [] => Ok(None),
            [one] => self.connection.described(one, declared).await.map(Some),
            _ => Err(failure::of_code(codes::OKT3001, "cannot insert multiple commands into a prepared statement")),
        }
    }

    fn get_parameter_types(&self, statement: &Described) -> PgWireResult<Vec<Type>> {
        Ok(statement.parameters.clone())
    }

    fn get_result_schema(&self, statement: &Described, format: Option<&Format>) -> PgWireResult<Vec<FieldInfo>> {
        types::fields(&statement.schema, format.unwrap_or(&Format::UnifiedText))
    }
}
