//! Tokens to tree.

use oktant_base::limits::EXPRESSION_DEPTH_MAX;

use super::function::Function;
use super::lexer::{Token, tokens};
use super::{Expression, Operator, SyntaxError, Value};

type Parsed = Result<Expression, SyntaxError>;

/// Binary operators by how loosely they bind, loosest first.
const LEVELS: [&[(&str, Operator)]; 4] = [
    &[("||", Operator::Or), ("OR", Operator::Or)],
    &[("&&", Operator::And), ("AND", Operator::And)],
    &[("==", Operator::Equal), ("!=", Operator::NotEqual)],
    &[("<=", Operator::LessOrEqual), (">=", Operator::GreaterOrEqual), ("<", Operator::Less), (">", Operator::Greater)],
];

pub(super) fn parse(text: &str) -> Parsed {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let expression = parser.expression()?;
    if *parser.peek() == Token::End { Ok(expression) } else { Err(parser.error()) }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn error(&self) -> SyntaxError {
        SyntaxError(self.tokens.get(self.next).map_or(0, |(_, position)| *position))
    }

    /// Takes a mark or keyword if it comes next. Keywords are read in any case.
    fn take(&mut self, wanted: &str) -> bool {
        let found = match self.peek() {
            Token::Mark(mark) => *mark == wanted,
            Token::Name(name) => name.eq_ignore_ascii_case(wanted),
            Token::Text(_) | Token::Number(_) | Token::End => false,
        };
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) -> Result<(), SyntaxError> {
        if self.take(mark) { Ok(()) } else { Err(self.error()) }
    }

    fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH_MAX {
            return Err(self.error());
        }
        let condition = self.binary(0)?;
        let expression = if self.take("?") {
            let yes = self.expression()?;
            self.expect(":")?;
            let no = self.expression()?;
            Expression::Choice(Box::new(condition), Box::new(yes), Box::new(no))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn binary(&mut self, level: usize) -> Parsed {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().find_map(|(mark, operator)| self.take(mark).then_some(*operator)) {
            let right = self.binary(level + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let mut negations = 0;
        while self.take("!") {
            negations += 1;
        }
        let mut operand = self.primary()?;
        while self.take("[") {
            let Token::Number(index) = *self.peek() else { return Err(self.error()) };
            self.next += 1;
            self.expect("]")?;
            operand = Expression::Index(Box::new(operand), index.max(0.0) as usize);
        }
        Ok(if negations % 2 == 1 { Expression::Not(Box::new(operand)) } else { operand })
    }

    fn primary(&mut self) -> Parsed {
        let token = self.peek().clone();
        match token {
            Token::Mark("(") => {
                self.next += 1;
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Text(text) => Ok(self.literal(Value::Text(text))),
            Token::Number(number) => Ok(self.literal(Value::Number(number))),
            Token::Name(name) => self.name(&name),
            Token::Mark(_) | Token::End => Err(self.error()),
        }
    }

    fn literal(&mut self, value: Value) -> Expression {
        self.next += 1;
        Expression::Literal(value)
    }

    fn name(&mut self, name: &str) -> Parsed {
        match name {
            "true" => return Ok(self.literal(Value::Boolean(true))),
            "false" => return Ok(self.literal(Value::Boolean(false))),
            "null" => return Ok(self.literal(Value::Null)),
            _ => {}
        }
        let error = self.error();
        self.next += 1;
        if !self.take("(") {
            let attribute = name.strip_prefix("user.").filter(|name| !name.is_empty() && !name.contains('.'));
            return attribute.map(|name| Expression::Attribute(name.to_owned())).ok_or(error);
        }
        let arguments = self.arguments()?;
        if name == "user.getInternalProperty" {
            return match arguments.as_slice() {
                [Expression::Literal(Value::Text(property))] => Ok(Expression::Internal(property.clone())),
                _ => Err(error),
            };
        }
        let function = Function::find(name, arguments.len()).ok_or(error)?;
        Ok(Expression::Call(function, arguments))
    }

    /// The rest of a list of arguments, behind its opening parenthesis.
    fn arguments(&mut self) -> Result<Vec<Expression>, SyntaxError> {
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            if !self.take(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(arguments)
    }
}
