//! From the text of a query to its parts.

use super::ast::{
    Aggregate, Condition, DateFunction, Expression, FieldSet, Item, Literal, Operator, Order, Path, Query,
};
use super::error::SoqlError;
use super::lexer::{Token, TokenKind, tokens};
use super::period::Period;

/// Parentheses within each other, so that no query overflows the stack.
const DEPTH_MAX: usize = 40;

/// Characters of a query.
const LENGTH_MAX: usize = 100_000;

/// Names of a path: five steps to parents and the field.
const PATH_MAX: usize = 6;

const AGGREGATES: [(&str, Aggregate); 6] = [
    ("COUNT", Aggregate::Count),
    ("COUNT_DISTINCT", Aggregate::CountDistinct),
    ("SUM", Aggregate::Sum),
    ("AVG", Aggregate::Avg),
    ("MIN", Aggregate::Min),
    ("MAX", Aggregate::Max),
];

const DATE_FUNCTIONS: [(&str, DateFunction); 13] = [
    ("CALENDAR_YEAR", DateFunction::Year),
    ("CALENDAR_MONTH", DateFunction::Month),
    ("CALENDAR_QUARTER", DateFunction::Quarter),
    ("FISCAL_YEAR", DateFunction::Year),
    ("FISCAL_MONTH", DateFunction::Month),
    ("FISCAL_QUARTER", DateFunction::Quarter),
    ("DAY_IN_MONTH", DateFunction::DayInMonth),
    ("DAY_IN_WEEK", DateFunction::DayInWeek),
    ("DAY_IN_YEAR", DateFunction::DayInYear),
    ("DAY_ONLY", DateFunction::DayOnly),
    ("HOUR_IN_DAY", DateFunction::HourInDay),
    ("WEEK_IN_MONTH", DateFunction::WeekInMonth),
    ("WEEK_IN_YEAR", DateFunction::WeekInYear),
];

/// Words that begin a clause and therefore are no alias.
const CLAUSES: [&str; 15] = [
    "FROM", "USING", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "ALL", "FOR", "ASC", "DESC",
    "NULLS", "UPDATE",
];

/// Reads a query.
///
/// # Errors
///
/// What cannot be read, and where.
pub(in super::super) fn parse(text: &str) -> Result<Query, SoqlError> {
    if text.chars().nth(LENGTH_MAX).is_some() {
        return Err(SoqlError::plain("QUERY_TOO_COMPLICATED", "Query is too long: at most 100,000 characters"));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let query = parser.query(false)?;
    parser.end()?;
    Ok(query)
}

/// Reads conditions alone, as in a search.
pub(in super::super) fn parse_tail(object: &str, fields: &str, tail: &str) -> Result<(String, Query), SoqlError> {
    let text = format!("SELECT {fields} FROM {object} {tail}");
    let query = parse(&text)?;
    Ok((text, query))
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token<'a> {
        // The last one is the end, which is never passed.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn look(&self, ahead: usize) -> &Token<'a> {
        &self.tokens[(self.next + ahead).min(self.tokens.len() - 1)]
    }

    fn advance(&mut self) -> Token<'a> {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn unexpected(&self) -> SoqlError {
        let token = self.peek();
        let text = if token.kind == TokenKind::Text { format!("'{}'", token.text) } else { token.text.to_owned() };
        SoqlError::malformed(format!("unexpected token: '{text}'"), token.at)
    }

    fn end(&self) -> Result<(), SoqlError> {
        if self.peek().kind == TokenKind::End { Ok(()) } else { Err(self.unexpected()) }
    }

    fn is_word(&self, word: &str) -> bool {
        let token = self.peek();
        token.kind == TokenKind::Word && token.text.eq_ignore_ascii_case(word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next += usize::from(found);
        found
    }

    fn expect_word(&mut self, word: &str) -> Result<(), SoqlError> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        self.peek().kind == TokenKind::Symbol && self.peek().text == symbol
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.next += usize::from(found);
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), SoqlError> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn word(&mut self) -> Result<Token<'a>, SoqlError> {
        if self.peek().kind == TokenKind::Word { Ok(self.advance()) } else { Err(self.unexpected()) }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, SoqlError>) -> Result<T, SoqlError> {
        if self.depth == DEPTH_MAX {
            return Err(SoqlError::plain("QUERY_TOO_COMPLICATED", "Query is too complicated: too many parentheses"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn query(&mut self, below: bool) -> Result<Query, SoqlError> {
        self.expect_word("SELECT")?;
        let mut select = vec![self.item(below)?];
        while self.take_symbol(",") {
            select.push(self.item(below)?);
        }
        self.expect_word("FROM")?;
        let from = self.path()?;
        let mut query = Query {
            select,
            from,
            aliases: Vec::new(),
            condition: None,
            group: Vec::new(),
            having: None,
            order: Vec::new(),
            limit: None,
            offset: 0,
            all_rows: false,
        };
        self.aliases(&mut query)?;
        self.clauses(&mut query)?;
        Ok(query)
    }

    fn aliases(&mut self, query: &mut Query) -> Result<(), SoqlError> {
        if let Some(alias) = self.alias() {
            query.aliases.push((alias, Vec::new()));
        }
        while self.take_symbol(",") {
            let path = self.path()?;
            let alias = self.alias().ok_or_else(|| self.unexpected())?;
            query.aliases.push((alias, path.parts));
        }
        Ok(())
    }

    fn alias(&mut self) -> Option<String> {
        self.take_word("AS");
        let token = self.peek();
        let is_alias =
            token.kind == TokenKind::Word && !CLAUSES.iter().any(|clause| token.text.eq_ignore_ascii_case(clause));
        is_alias.then(|| self.advance().text.to_owned())
    }

    fn clauses(&mut self, query: &mut Query) -> Result<(), SoqlError> {
        if self.take_word("USING") {
            self.expect_word("SCOPE")?;
            self.word()?;
        }
        if self.take_word("WHERE") {
            query.condition = Some(self.condition()?);
        }
        if self.take_word("WITH") {
            self.word()?;
        }
        if self.take_word("GROUP") {
            self.expect_word("BY")?;
            query.group.push(self.expression()?);
            while self.take_symbol(",") {
                query.group.push(self.expression()?);
            }
            if self.take_word("HAVING") {
                query.having = Some(self.condition()?);
            }
        }
        if self.take_word("ORDER") {
            self.expect_word("BY")?;
            query.order.push(self.order()?);
            while self.take_symbol(",") {
                query.order.push(self.order()?);
            }
        }
        if self.take_word("LIMIT") {
            query.limit = Some(self.count()?);
        }
        if self.take_word("OFFSET") {
            query.offset = self.count()?;
        }
        if self.take_word("ALL") {
            self.expect_word("ROWS")?;
            query.all_rows = true;
        }
        while self.take_word("FOR") {
            let known = ["VIEW", "REFERENCE", "UPDATE"].iter().any(|purpose| self.take_word(purpose));
            if !known {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<u64, SoqlError> {
        match self.peek().kind {
            TokenKind::Number(number) if number >= 0.0 && number.fract() == 0.0 && number < 1e15 => {
                self.advance();
                Ok(number as u64)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn order(&mut self) -> Result<Order, SoqlError> {
        let by = self.expression()?;
        let descending = self.take_word("DESC");
        if !descending {
            self.take_word("ASC");
        }
        let mut nulls_last = false;
        if self.take_word("NULLS") {
            nulls_last = self.take_word("LAST");
            if !nulls_last {
                self.expect_word("FIRST")?;
            }
        }
        Ok(Order { by, descending, nulls_last })
    }

    fn item(&mut self, below: bool) -> Result<Item, SoqlError> {
        if self.is_symbol("(") {
            if below {
                return Err(self.unexpected());
            }
            self.advance();
            let query = self.deeper(|parser| parser.query(true))?;
            self.expect_symbol(")")?;
            return Ok(Item::Children(Box::new(query)));
        }
        if self.is_word("FIELDS") && self.look(1).text == "(" {
            let at = self.advance().at;
            self.advance();
            let set = match self.word()?.text.to_ascii_uppercase().as_str() {
                "ALL" => FieldSet::All,
                "STANDARD" => FieldSet::Standard,
                "CUSTOM" => FieldSet::Custom,
                _ => {
                    self.next -= 1;
                    return Err(self.unexpected());
                }
            };
            self.expect_symbol(")")?;
            return Ok(Item::Fields { set, at });
        }
        let expression = self.expression()?;
        let before = self.next;
        let alias = self.alias();
        if alias.is_some() && !self.is_symbol(",") && !self.is_word("FROM") {
            // It is a misspelled clause.
            self.next = before;
            return Err(self.unexpected());
        }
        Ok(Item::Expression { expression, alias })
    }

    fn path(&mut self) -> Result<Path, SoqlError> {
        let first = self.word()?;
        let mut parts = vec![first.text.to_owned()];
        while self.take_symbol(".") {
            parts.push(self.word()?.text.to_owned());
        }
        if parts.len() > PATH_MAX {
            return Err(SoqlError::malformed("SOQL relationship paths have at most 5 levels", first.at));
        }
        Ok(Path { parts, at: first.at })
    }

    fn expression(&mut self) -> Result<Expression, SoqlError> {
        if self.peek().kind != TokenKind::Word || self.look(1).text != "(" || self.look(1).kind != TokenKind::Symbol {
            return Ok(Expression::Field(self.path()?));
        }
        let function = self.word()?;
        self.advance();
        let name = function.text.to_ascii_uppercase();
        let aggregate = AGGREGATES.iter().find(|(known, _)| *known == name).map(|(_, aggregate)| *aggregate);
        let expression = if let Some(aggregate) = aggregate {
            let of_all = aggregate == Aggregate::Count && self.is_symbol(")");
            Expression::Aggregate(aggregate, if of_all { None } else { Some(self.path()?) })
        } else if let Some((_, function)) = DATE_FUNCTIONS.iter().find(|(known, _)| *known == name) {
            Expression::Date(*function, self.path()?)
        } else if name == "TOLABEL" {
            Expression::Label(self.path()?)
        } else if name == "FORMAT" {
            Expression::Format(self.path()?)
        } else {
            return Err(SoqlError::malformed(format!("unexpected token: '{}'", function.text), function.at));
        };
        self.expect_symbol(")")?;
        Ok(expression)
    }

    /// Conditions joined by one of `AND` and `OR`; both without parentheses are an error.
    fn condition(&mut self) -> Result<Condition, SoqlError> {
        let first = self.negation()?;
        let (word, other) = if self.is_word("AND") { ("AND", "OR") } else { ("OR", "AND") };
        let mut all = vec![first];
        while self.take_word(word) {
            all.push(self.negation()?);
        }
        if self.is_word(other) {
            return Err(self.unexpected());
        }
        if all.len() == 1 {
            return Ok(all.remove(0));
        }
        Ok(if word == "AND" { Condition::And(all) } else { Condition::Or(all) })
    }

    fn negation(&mut self) -> Result<Condition, SoqlError> {
        if self.take_word("NOT") {
            let inner = self.deeper(Self::negation)?;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.take_symbol("(") {
            let inner = self.deeper(Self::condition)?;
            self.expect_symbol(")")?;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Condition, SoqlError> {
        let left = self.expression()?;
        for (word, excludes) in [("INCLUDES", false), ("EXCLUDES", true)] {
            if self.take_word(word) {
                return Ok(Condition::Includes { left, excludes, list: self.texts()? });
            }
        }
        let negated = self.take_word("NOT");
        if self.take_word("IN") {
            return self.membership(left, negated);
        }
        if negated {
            return Err(self.unexpected());
        }
        let operator = self.operator()?;
        let right = self.literal()?;
        Ok(Condition::Compare { left, operator, right })
    }

    fn operator(&mut self) -> Result<Operator, SoqlError> {
        if self.take_word("LIKE") {
            return Ok(Operator::Like);
        }
        let operators = [
            ("=", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<>", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let found = operators.iter().find(|(symbol, _)| self.is_symbol(symbol)).map(|(_, operator)| *operator);
        let operator = found.ok_or_else(|| self.unexpected())?;
        self.advance();
        Ok(operator)
    }

    fn membership(&mut self, left: Expression, negated: bool) -> Result<Condition, SoqlError> {
        self.expect_symbol("(")?;
        let condition = if self.is_word("SELECT") {
            let query = self.deeper(|parser| parser.query(true))?;
            Condition::InQuery { left, negated, query: Box::new(query) }
        } else {
            let mut list = vec![self.literal()?];
            while self.take_symbol(",") {
                list.push(self.literal()?);
            }
            Condition::In { left, negated, list }
        };
        self.expect_symbol(")")?;
        Ok(condition)
    }

    fn texts(&mut self) -> Result<Vec<String>, SoqlError> {
        self.expect_symbol("(")?;
        let mut list = Vec::new();
        loop {
            if self.peek().kind != TokenKind::Text {
                return Err(self.unexpected());
            }
            list.push(unescape(self.advance().text));
            if !self.take_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        Ok(list)
    }

    fn literal(&mut self) -> Result<Literal, SoqlError> {
        let token = self.advance();
        let literal = match token.kind {
            TokenKind::Text => Some(Literal::Text(token.text.to_owned())),
            TokenKind::Number(number) => Some(Literal::Number(number)),
            TokenKind::Date(day) => Some(Literal::Date(day)),
            TokenKind::Time(time) => Some(Literal::Time(time)),
            TokenKind::Word => match token.text.to_ascii_uppercase().as_str() {
                "TRUE" => Some(Literal::Boolean(true)),
                "FALSE" => Some(Literal::Boolean(false)),
                "NULL" => Some(Literal::Null),
                name => {
                    let count = if self.take_symbol(":") { Some(self.count()?) } else { None };
                    let count = count.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
                    Period::named(name, count).map(Literal::Period).or_else(|| money(name))
                }
            },
            TokenKind::Symbol | TokenKind::End => None,
        };
        literal.ok_or_else(|| SoqlError::malformed(format!("unexpected token: '{}'", token.text), token.at))
    }
}

/// `USD5000`: the org has one currency.
fn money(text: &str) -> Option<Literal> {
    let (code, amount) = text.split_at_checked(3)?;
    let is_money =
        code.bytes().all(|letter| letter.is_ascii_uppercase()) && amount.bytes().all(|digit| digit.is_ascii_digit());
    is_money.then(|| amount.parse().ok().map(Literal::Number))?
}

/// A text without its escapes.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' { escaped(letters.next().unwrap_or('\\')) } else { letter });
    }
    plain
}

/// What a letter behind a backslash stands for.
pub(super) fn escaped(letter: char) -> char {
    match letter.to_ascii_lowercase() {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        _ => letter,
    }
}
