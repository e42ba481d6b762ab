//! Text to filters and PATCH paths.

use oktant_base::limits::EXPRESSION_DEPTH_MAX;
use oktant_filter::{Kind as Token, Lexer};

use super::{Filter, Literal, Operator, parse_time};
use crate::error::Error;
use crate::resource::boolean;
use crate::schema::{Attribute, DataType, Path, ResourceType, Returned};

/// Bytes of one filter or path.
const BYTES_MAX: usize = 8 * 1024;

/// What becomes of a comparison with an attribute that the kind does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The filter is refused.
    Refuse,
    /// The comparison never holds.
    Nothing,
}

/// What the path of a PATCH operation leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    Attribute(Path),
    /// Values of a list that satisfy a filter; the path has the part of them, if one is named.
    Matching {
        path: Path,
        filter: Filter,
    },
    /// A whole extension.
    Extension(&'static str),
}

/// Parses and resolves a filter.
///
/// # Source
///
/// RFC 7644, 3.4.2.2. `eq null` is a convention of clients.
pub(crate) fn filter(text: &str, resource_type: &'static ResourceType, unknown: Unknown) -> Result<Filter, Error> {
    let mut parser = Parser::new(text, Scope::Resource(resource_type), unknown)?;
    let filter = parser.any_of()?;
    parser.expect(&Token::End, "`and`, `or` or the end")?;
    Ok(filter)
}

/// Parses and resolves the path of a PATCH operation; fails with 400 `invalidPath`.
pub(crate) fn target(text: &str, resource_type: &'static ResourceType) -> Result<Target, Error> {
    target_or_filter_error(text, resource_type)
        .map_err(|error| Error::bad_request(crate::ScimType::InvalidPath, format!("path {text:?}: {}", error.detail())))
}

fn target_or_filter_error(text: &str, resource_type: &'static ResourceType) -> Result<Target, Error> {
    let mut parser = Parser::new(text, Scope::Resource(resource_type), Unknown::Refuse)?;
    let name = parser.word("an attribute")?;
    if parser.current == Token::End
        && let Some(schema) = resource_type.extension(name)
    {
        return Ok(Target::Extension(schema.id));
    }
    let path = Path::resolve(name, resource_type).ok_or_else(|| unknown_attribute(name))?;
    if parser.current == Token::End {
        return Ok(Target::Attribute(path));
    }
    let Filter::Any { mut path, filter } = parser.value_path(path)? else {
        return Err(Error::invalid_filter("unexpected value path"));
    };
    if let Token::Word(name) = parser.current {
        let part = name.strip_prefix('.').and_then(|name| path.attribute.sub_attribute(name));
        path.sub_attribute = Some(part.ok_or_else(|| unknown_attribute(name))?);
        parser.advance()?;
    }
    parser.expect(&Token::End, "the end")?;
    Ok(Target::Matching { path, filter: *filter })
}

fn unknown_attribute(name: &str) -> Error {
    Error::invalid_filter(format!("there is no attribute {name:?}"))
}

/// What names are looked up in.
#[derive(Clone, Copy)]
enum Scope {
    Resource(&'static ResourceType),
    /// The parts of a complex attribute.
    Parts(&'static Attribute),
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    current: Token<'a>,
    position: usize,
    depth: usize,
    scope: Scope,
    unknown: Unknown,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, scope: Scope, unknown: Unknown) -> Result<Self, Error> {
        if text.len() > BYTES_MAX {
            return Err(Error::invalid_filter(format!("the filter has {} bytes, of at most {BYTES_MAX}", text.len())));
        }
        let mut parser = Self { lexer: Lexer::new(text), current: Token::End, position: 0, depth: 0, scope, unknown };
        parser.advance()?;
        Ok(parser)
    }

    fn advance(&mut self) -> Result<Token<'a>, Error> {
        let next = self.lexer.next().map_err(|error| Error::invalid_filter(error.to_string()))?;
        self.position = next.position;
        Ok(std::mem::replace(&mut self.current, next.kind))
    }

    fn expected<T>(&self, what: &str) -> Result<T, Error> {
        Err(Error::invalid_filter(format!("expected {what} at position {}", self.position)))
    }

    fn expect(&mut self, token: &Token<'a>, what: &str) -> Result<(), Error> {
        if self.current != *token {
            return self.expected(what);
        }
        self.advance().map(drop)
    }

    fn word(&mut self, what: &str) -> Result<&'a str, Error> {
        let Token::Word(word) = self.current else { return self.expected(what) };
        self.advance()?;
        Ok(word)
    }

    fn at_keyword(&self, keyword: &str) -> bool {
        matches!(self.current, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn any_of(&mut self) -> Result<Filter, Error> {
        self.list("or", Self::all_of, Filter::Or)
    }

    fn all_of(&mut self) -> Result<Filter, Error> {
        self.list("and", Self::factor, Filter::And)
    }

    fn list(
        &mut self,
        keyword: &str,
        part: fn(&mut Self) -> Result<Filter, Error>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter, Error> {
        let first = part(self)?;
        if !self.at_keyword(keyword) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.at_keyword(keyword) {
            self.advance()?;
            parts.push(part(self)?);
        }
        Ok(join(parts))
    }

    fn factor(&mut self) -> Result<Filter, Error> {
        if self.at_keyword("not") {
            self.advance()?;
            return self.parentheses().map(|inner| Filter::Not(Box::new(inner)));
        }
        if self.current == Token::Open {
            return self.parentheses();
        }
        self.attribute_expression()
    }

    fn parentheses(&mut self) -> Result<Filter, Error> {
        self.expect(&Token::Open, "`(`")?;
        let inner = self.deeper(Self::any_of)?;
        self.expect(&Token::Close, "`)`")?;
        Ok(inner)
    }

    /// Runs `part` one level down; the stack grows with the levels.
    fn deeper(&mut self, part: fn(&mut Self) -> Result<Filter, Error>) -> Result<Filter, Error> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH_MAX {
            return Err(Error::invalid_filter(format!("the filter nests deeper than {EXPRESSION_DEPTH_MAX} levels")));
        }
        let filter = part(self)?;
        self.depth -= 1;
        Ok(filter)
    }

    fn attribute_expression(&mut self) -> Result<Filter, Error> {
        let name = self.word("an attribute")?;
        let path = match self.scope {
            Scope::Resource(resource_type) => Path::resolve(name, resource_type),
            Scope::Parts(attribute) => Path::within(name, attribute),
        };
        let Some(path) = path else {
            return match self.unknown {
                Unknown::Refuse => Err(unknown_attribute(name)),
                Unknown::Nothing => self.skip_comparison(),
            };
        };
        if path.target().returned == Returned::Never {
            return Err(Error::invalid_filter(format!("{path} cannot be filtered by")));
        }
        if self.current == Token::OpenBracket {
            return self.value_path(path);
        }
        if self.at_keyword("pr") {
            self.advance()?;
            return Ok(Filter::Present(path));
        }
        let operator = self.operator()?;
        let literal = self.literal()?;
        comparison(path, operator, literal)
    }

    /// Reads over a comparison with an attribute that the kind does not have.
    fn skip_comparison(&mut self) -> Result<Filter, Error> {
        if self.current == Token::OpenBracket {
            return self.expected("a comparison");
        }
        if self.at_keyword("pr") {
            self.advance()?;
        } else {
            self.operator()?;
            self.literal()?;
        }
        Ok(Filter::Nothing)
    }

    /// `[filter]` after a complex list.
    fn value_path(&mut self, path: Path) -> Result<Filter, Error> {
        let within =
            path.sub_attribute.is_none() && path.attribute.multi_valued && matches!(self.scope, Scope::Resource(_));
        if !within || path.attribute.sub_attributes.is_empty() {
            return Err(Error::invalid_filter(format!("{path} has no values to choose from in brackets")));
        }
        self.expect(&Token::OpenBracket, "`[`")?;
        let outer = std::mem::replace(&mut self.scope, Scope::Parts(path.attribute));
        let filter = self.deeper(Self::any_of)?;
        self.scope = outer;
        self.expect(&Token::CloseBracket, "`]`")?;
        Ok(Filter::Any { path, filter: Box::new(filter) })
    }

    fn operator(&mut self) -> Result<Operator, Error> {
        let found = match self.current {
            Token::Word(word) => Operator::ALL.into_iter().find(|known| word.eq_ignore_ascii_case(known.as_str())),
            _ => None,
        };
        let Some(operator) = found else { return self.expected("an operator") };
        self.advance()?;
        Ok(operator)
    }

    fn literal(&mut self) -> Result<Raw, Error> {
        let raw = match &self.current {
            Token::Text(text) => Raw::Text(text.as_str().into()),
            Token::Number(_) => Raw::Number,
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Raw::Null,
            Token::Word(word) => match boolean(word) {
                Some(value) => Raw::Boolean(value),
                None => return self.expected("a value; texts stand in double quotes"),
            },
            _ => return self.expected("a value"),
        };
        self.advance()?;
        Ok(raw)
    }
}

/// A value as written.
enum Raw {
    Text(Box<str>),
    /// No schema has numbers, so that its value does not matter.
    Number,
    Boolean(bool),
    Null,
}

/// Checks that a comparison makes sense for the type of the attribute.
fn comparison(path: Path, operator: Operator, raw: Raw) -> Result<Filter, Error> {
    use Operator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    let attribute = path.compared();
    let ordered = matches!(operator, Gt | Ge | Lt | Le);
    let partial = matches!(operator, Co | Sw | Ew);
    let literal = match (attribute.data_type, raw) {
        (_, Raw::Null) if matches!(operator, Eq | Ne) => Literal::Null,
        (DataType::Boolean, Raw::Boolean(value)) if !ordered && !partial => Literal::Boolean(value),
        (DataType::Boolean, Raw::Text(text)) if !ordered && !partial && boolean(&text).is_some() => {
            Literal::Boolean(boolean(&text) == Some(true))
        }
        (DataType::DateTime, Raw::Text(text)) if !partial => match parse_time(&text) {
            Some(time) => Literal::Time(time),
            None => return Err(Error::invalid_filter(format!("{path} is compared with a date and time"))),
        },
        (DataType::Binary, Raw::Text(text)) if !ordered => Literal::Text(text),
        (DataType::String | DataType::Reference, Raw::Text(text)) => Literal::Text(text),
        (data_type, _) => {
            return Err(Error::invalid_filter(format!(
                "{path} is a {} and cannot be compared so by {}",
                data_type.name(),
                operator.as_str()
            )));
        }
    };
    Ok(Filter::Compare { path, operator, literal })
}
