//! The body of a PATCH request to steps.

use serde_json::{Map, Value};

use super::{Change, MemberStep, Patch, Step};
use crate::error::{Error, ScimType};
use crate::filter::{Filter, Literal, Operator, Target, target};
use crate::profile::Profile;
use crate::resource::{canonical, canonical_single, check_schemas, is_password, member, members_of, object, password};
use crate::schema::{DataType, Kind, Mutability, Path, ResourceType, Schema};

/// URN of the body.
pub(crate) const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Operations of one request: a removal of 10,000 members in single operations still fits.
const OPERATIONS_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

impl Patch {
    /// Reads the body of a PATCH.
    ///
    /// Takes what Okta, Entra and Snowflake's examples send beyond the standard: `op` in any letter case, booleans as texts,
    /// members as ids, paths as names within a value, `value` with a removal from a list, an array without a path for
    /// the members of a group.
    ///
    /// # Errors
    ///
    /// 400: `invalidSyntax`, `invalidPath`, `invalidValue`, `noTarget` (a removal without a path), `mutability`.
    ///
    /// # Source
    ///
    /// RFC 7644, 3.5.2; for the lenient forms the documentation of the clients named.
    pub fn from_json(kind: Kind, profile: Profile, body: &Value) -> Result<Self, Error> {
        let body = object(body, "the body")?;
        check_schemas(body, PATCH_SCHEMA, profile)?;
        let operations = member(body, "Operations").and_then(Value::as_array);
        let Some(operations) = operations.filter(|operations| !operations.is_empty()) else {
            return Err(Error::invalid_syntax("Operations must be a list of at least one operation"));
        };
        if operations.len() > OPERATIONS_MAX {
            return Err(Error::invalid_value(format!("at most {OPERATIONS_MAX} operations are taken at once")));
        }
        let mut reader = Reader { kind, resource_type: kind.resource_type(profile), steps: Vec::new() };
        for operation in operations {
            reader.operation(object(operation, "an operation")?)?;
        }
        Ok(Self { kind, profile, steps: reader.steps })
    }
}

struct Reader {
    kind: Kind,
    resource_type: &'static ResourceType,
    steps: Vec<Step>,
}

impl Reader {
    fn operation(&mut self, operation: &Map<String, Value>) -> Result<(), Error> {
        let op = op(member(operation, "op"))?;
        let value = member(operation, "value");
        match member(operation, "path") {
            None | Some(Value::Null) => self.without_path(op, value),
            Some(Value::String(path)) if path.is_empty() => self.without_path(op, value),
            Some(Value::String(path)) => self.at(op, target(path, self.resource_type)?, value),
            Some(_) => Err(Error::bad_request(ScimType::InvalidPath, "path must be a string")),
        }
    }

    fn without_path(&mut self, op: Op, value: Option<&Value>) -> Result<(), Error> {
        if op == Op::Remove {
            return Err(Error::bad_request(ScimType::NoTarget, "remove needs a path"));
        }
        match value {
            // One of Snowflake's examples adds members so.
            Some(value @ Value::Array(_)) if self.kind == Kind::Group => self.members(op, Some(value)),
            Some(value @ Value::Object(_)) => {
                for (name, value) in object(value, "value")? {
                    self.named(op, name, value)?;
                }
                Ok(())
            }
            _ => Err(Error::invalid_value("without a path, value must be an object of attributes")),
        }
    }

    /// An attribute within a value. Names that mean nothing and attributes that are read-only are ignored: Okta sends the
    /// id along when it renames a group.
    fn named(&mut self, op: Op, name: &str, value: &Value) -> Result<(), Error> {
        let target = match target(name, self.resource_type) {
            Ok(target) => target,
            // One of Snowflake's examples names a part of `name` alone.
            Err(_) => match target(&format!("name.{name}"), self.resource_type) {
                Ok(target) => target,
                Err(_) => return Ok(()),
            },
        };
        match &target {
            Target::Attribute(path) | Target::Matching { path, .. } if is_read_only(path) => Ok(()),
            _ => self.at(op, target, Some(value)),
        }
    }

    fn at(&mut self, op: Op, target: Target, value: Option<&Value>) -> Result<(), Error> {
        if op != Op::Remove && value.is_none() {
            return Err(Error::invalid_value("add and replace need a value"));
        }
        match target {
            Target::Extension(urn) => self.extension(op, urn, value),
            Target::Attribute(path) | Target::Matching { path, .. } if is_read_only(&path) => {
                Err(Error::mutability(format!("{path} cannot be written")))
            }
            Target::Attribute(path) if is_password(path.attribute) => {
                let secret = if op == Op::Remove { None } else { password(value.unwrap_or(&Value::Null))? };
                self.steps.push(Step::Password(secret));
                Ok(())
            }
            Target::Attribute(path) if path.is("members") => self.members(op, value),
            Target::Matching { path, filter } if path.is("members") => self.matching_members(op, filter, value),
            Target::Attribute(path) | Target::Matching { path, .. } if path.attribute.name == "members" => {
                Err(Error::mutability(format!("{path} cannot change; remove the member and add another")))
            }
            Target::Attribute(path) => self.attribute(op, path, value),
            Target::Matching { path, filter } => self.matching(op, path, Some(filter), value),
        }
    }

    fn extension(&mut self, op: Op, urn: &'static str, value: Option<&Value>) -> Result<(), Error> {
        if op == Op::Remove {
            self.steps.push(Step::DropExtension(urn));
            return Ok(());
        }
        let schema: Option<&Schema> = self.resource_type.extension(urn);
        for (name, value) in object(value.unwrap_or(&Value::Null), urn)? {
            let Some(attribute) = schema.and_then(|schema| schema.attribute(name)) else { continue };
            let path = Path { extension: Some(urn), attribute, sub_attribute: None };
            if !is_read_only(&path) {
                self.attribute(op, path, Some(value))?;
            }
        }
        Ok(())
    }

    fn attribute(&mut self, op: Op, path: Path, value: Option<&Value>) -> Result<(), Error> {
        if path.sub_attribute.is_some() && path.attribute.multi_valued {
            return self.matching(op, path, None, value);
        }
        if path.target().multi_valued {
            return self.list(op, path, value);
        }
        let value = value.filter(|_| op != Op::Remove);
        match value {
            Some(value @ Value::Object(_)) if path.target().data_type == DataType::Complex => {
                self.parts(op, path, value)
            }
            Some(value) => {
                let value = canonical(path.target(), value)?;
                // To add nothing is to leave what is there.
                if value.is_some() || op == Op::Replace {
                    self.set(path, value)?;
                }
                Ok(())
            }
            None => self.set(path, None),
        }
    }

    fn set(&mut self, path: Path, value: Option<Value>) -> Result<(), Error> {
        if value.is_none() && path.target().required {
            return Err(Error::mutability(format!("{path} is required and cannot be removed")));
        }
        self.steps.push(Step::Set { path, value });
        Ok(())
    }

    /// A complex attribute takes over the parts that are given and keeps the others.
    fn parts(&mut self, op: Op, path: Path, value: &Value) -> Result<(), Error> {
        for (name, value) in object(value, path.attribute.name)? {
            let Some(part) = path.attribute.sub_attribute(name) else { continue };
            if part.mutability != Mutability::ReadOnly {
                self.attribute(op, Path { sub_attribute: Some(part), ..path }, Some(value))?;
            }
        }
        Ok(())
    }

    fn list(&mut self, op: Op, path: Path, value: Option<&Value>) -> Result<(), Error> {
        let values = match value.map(|value| canonical(path.target(), value)).transpose()?.flatten() {
            Some(Value::Array(values)) => values,
            _ => Vec::new(),
        };
        self.steps.push(match op {
            Op::Add => Step::Append { path, values },
            Op::Replace => Step::ReplaceList { path, values },
            // A removal that lists values means those; a list of none means none.
            Op::Remove if value.is_some_and(|value| !value.is_null()) => Step::RemoveValues { path, values },
            Op::Remove => Step::Set { path, value: None },
        });
        Ok(())
    }

    fn matching(&mut self, op: Op, path: Path, filter: Option<Filter>, value: Option<&Value>) -> Result<(), Error> {
        let change = match (op, path.sub_attribute) {
            (Op::Remove, Some(part)) => Change::RemovePart(part.name),
            (Op::Remove, None) => Change::Remove,
            (op, Some(part)) => match canonical_single(part, value.unwrap_or(&Value::Null))? {
                Some(value) => by_op(op, Map::from_iter([(part.name.to_owned(), value)]), Change::Merge),
                None => Change::RemovePart(part.name),
            },
            (op, None) => match canonical_single(path.attribute, value.unwrap_or(&Value::Null))? {
                Some(Value::Object(parts)) => by_op(op, parts, Change::Replace),
                _ => return Err(Error::invalid_value(format!("{path} needs an object"))),
            },
        };
        self.steps.push(Step::Matching { path: Path { sub_attribute: None, ..path }, filter, change });
        Ok(())
    }

    fn members(&mut self, op: Op, value: Option<&Value>) -> Result<(), Error> {
        let members = value.map(members_of).transpose()?.unwrap_or_default();
        self.steps.push(Step::Members(match op {
            Op::Add => MemberStep::Add(members),
            Op::Replace => MemberStep::Replace(members),
            // Never all of them where some are named.
            Op::Remove if value.is_some_and(|value| !value.is_null()) => {
                MemberStep::Remove(members.into_iter().map(|member| member.value).collect())
            }
            Op::Remove => MemberStep::Replace(Vec::new()),
        }));
        Ok(())
    }

    fn matching_members(&mut self, op: Op, filter: Filter, value: Option<&Value>) -> Result<(), Error> {
        self.steps.push(Step::Members(match op {
            Op::Add => {
                return Err(Error::bad_request(ScimType::InvalidPath, "members are added without a condition"));
            }
            Op::Replace => MemberStep::ReplaceWhere(filter, members_of(value.unwrap_or(&Value::Null))?),
            Op::Remove => match ids(&filter) {
                Some(ids) => MemberStep::Remove(ids),
                None => MemberStep::RemoveWhere(filter),
            },
        }));
        Ok(())
    }
}

fn op(value: Option<&Value>) -> Result<Op, Error> {
    match value.and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Ok(Op::Add),
        Some("replace") => Ok(Op::Replace),
        Some("remove") => Ok(Op::Remove),
        _ => Err(Error::invalid_syntax("op must be add, replace or remove")),
    }
}

fn by_op(op: Op, parts: Map<String, Value>, replace: fn(Map<String, Value>) -> Change) -> Change {
    if op == Op::Add { Change::Add(parts) } else { replace(parts) }
}

fn is_read_only(path: &Path) -> bool {
    path.attribute.mutability == Mutability::ReadOnly || path.target().mutability == Mutability::ReadOnly
}

/// The ids that a condition on members names, if it does nothing else.
fn ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare { path, operator: Operator::Eq, literal: Literal::Text(id) } if path.is("value") => {
            Some(vec![id.to_string()])
        }
        Filter::Or(parts) => {
            let ids: Option<Vec<_>> = parts.iter().map(ids).collect();
            Some(ids?.concat())
        }
        _ => None,
    }
}
