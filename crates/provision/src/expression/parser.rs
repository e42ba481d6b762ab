//! From tokens to a tree, by recursive descent with a bound on depth.

use oktant_base::limits;

use super::functions::Function;
use super::lexer::{Token, tokens};
use super::{Node, Operator, ParseError, ROOTS, Root, Value};

pub(super) fn parse(text: &str) -> Result<Node, ParseError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let node = parser.ternary()?;
    match parser.peek() {
        Token::End => Ok(node),
        other => Err(parser.wrong(&format!("unexpected {}", shown(other)))),
    }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
}

/// Binary operators by precedence, the loosest first. Words are those of any letter case.
const LEVELS: &[&[(&str, Operator)]] = &[
    &[("||", Operator::Or), ("or", Operator::Or)],
    &[("&&", Operator::And), ("and", Operator::And)],
    &[("==", Operator::Equal), ("!=", Operator::Unequal)],
    &[("<", Operator::Less), ("<=", Operator::AtMost), (">", Operator::Greater), (">=", Operator::AtLeast)],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
];

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].0.clone();
        // The end stays where it is.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn wrong(&self, problem: &str) -> ParseError {
        ParseError { problem: problem.to_owned(), position: self.tokens[self.at].1 }
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_there = matches!(self.peek(), Token::Sign(found) if *found == sign);
        if is_there {
            self.next();
        }
        is_there
    }

    fn expect(&mut self, sign: &str) -> Result<(), ParseError> {
        if self.takes(sign) { Ok(()) } else { Err(self.wrong(&format!("{sign} is missing"))) }
    }

    /// Goes one level down, unless that is too deep.
    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Result<Node, ParseError>) -> Result<Node, ParseError> {
        if self.depth == limits::EXPRESSION_DEPTH_MAX {
            return Err(self.wrong(&format!("an expression is nested at most {} deep", limits::EXPRESSION_DEPTH_MAX)));
        }
        self.depth += 1;
        let node = inner(self);
        self.depth -= 1;
        node
    }

    fn ternary(&mut self) -> Result<Node, ParseError> {
        self.nested(|parser| {
            let value = parser.binary(0)?;
            if parser.takes("?:") {
                return Ok(Node::Elvis { value: value.into(), otherwise: parser.ternary()?.into() });
            }
            if !parser.takes("?") {
                return Ok(value);
            }
            let then = parser.ternary()?;
            parser.expect(":")?;
            Ok(Node::Ternary { condition: value.into(), then: then.into(), otherwise: parser.ternary()?.into() })
        })
    }

    fn binary(&mut self, level: usize) -> Result<Node, ParseError> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        let mut joined = 0;
        while let Some(operator) = self.operator(operators) {
            // A chain becomes a tree that leans to the left, so it counts as depth when it is evaluated.
            joined += 1;
            if joined > limits::EXPRESSION_DEPTH_MAX {
                return Err(
                    self.wrong(&format!("at most {} operators follow each other", limits::EXPRESSION_DEPTH_MAX))
                );
            }
            left = Node::Binary { operator, left: left.into(), right: self.binary(level + 1)?.into() };
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let is_it = |name: &str| match self.peek() {
            Token::Sign(sign) => *sign == name,
            Token::Word(word) => word.eq_ignore_ascii_case(name),
            _ => false,
        };
        let (_, operator) = operators.iter().find(|(name, _)| is_it(name))?;
        self.next();
        Some(*operator)
    }

    fn unary(&mut self) -> Result<Node, ParseError> {
        if self.takes("!") {
            return self.nested(|parser| Ok(Node::Not(parser.unary()?.into())));
        }
        if self.takes("-") {
            return self.nested(|parser| Ok(Node::Negative(parser.unary()?.into())));
        }
        let mut node = self.primary()?;
        let mut elements = 0;
        while self.takes("[") {
            elements += 1;
            if elements > limits::EXPRESSION_DEPTH_MAX {
                return Err(self.wrong("too many indexes follow each other"));
            }
            let index = self.ternary()?;
            self.expect("]")?;
            node = Node::Element { list: node.into(), index: index.into() };
        }
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node, ParseError> {
        let start = self.at;
        match self.next() {
            Token::Number(value) => Ok(Node::Literal(Value::Number(value))),
            Token::Text(text) => Ok(Node::Literal(text.into())),
            Token::Sign("(") => {
                let node = self.ternary()?;
                self.expect(")")?;
                Ok(node)
            }
            Token::Word(word) => self.word(&word, start),
            Token::End => Err(self.wrong("an expression ends where a value is needed")),
            other @ Token::Sign(_) => {
                self.at = start;
                Err(self.wrong(&format!("unexpected {}", shown(&other))))
            }
        }
    }

    fn word(&mut self, word: &str, start: usize) -> Result<Node, ParseError> {
        match word {
            "true" => return Ok(Node::Literal(Value::Bool(true))),
            "false" => return Ok(Node::Literal(Value::Bool(false))),
            "null" => return Ok(Node::Literal(Value::Null)),
            _ => {}
        }
        if !self.takes(".") {
            self.at = start;
            return Err(self.wrong(&format!("unknown name {word}; texts stand in quotes")));
        }
        let member_at = self.at;
        let Token::Word(member) = self.next() else {
            self.at = member_at;
            return Err(self.wrong(&format!("a name is missing after {word}.")));
        };
        if let Some((_, root)) = ROOTS.iter().find(|(name, _)| *name == word) {
            return self.attribute(*root, &member);
        }
        if !matches!(self.peek(), Token::Sign("(")) {
            self.at = start;
            let roots: Vec<&str> = ROOTS.iter().map(|(name, _)| *name).collect();
            return Err(self.wrong(&format!("unknown object {word}; there are {}", roots.join(", "))));
        }
        self.call(&format!("{word}.{member}"), start)
    }

    /// `user.x`, or `user.getInternalProperty("x")`, which reads the same.
    fn attribute(&mut self, root: Root, member: &str) -> Result<Node, ParseError> {
        if member != "getInternalProperty" {
            return Ok(Node::Attribute { root, name: member.into() });
        }
        self.expect("(")?;
        let Token::Text(name) = self.next() else { return Err(self.wrong("the name of a property is missing")) };
        self.expect(")")?;
        Ok(Node::Attribute { root, name: name.into() })
    }

    fn call(&mut self, name: &str, start: usize) -> Result<Node, ParseError> {
        let Some(function) = Function::find(name) else {
            self.at = start;
            return Err(self.wrong(&format!("unknown function {name}")));
        };
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.takes(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.ternary()?);
        }
        if !function.arity().contains(&arguments.len()) {
            self.at = start;
            let (least, most) = (function.arity().start(), function.arity().end());
            let count = if least == most { least.to_string() } else { format!("{least} or more") };
            let noun = if count == "1" { "argument" } else { "arguments" };
            return Err(self.wrong(&format!("{name} takes {count} {noun}, not {}", arguments.len())));
        }
        Ok(Node::Call { function, arguments })
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(word) => word.clone(),
        Token::Number(value) => value.to_string(),
        Token::Text(text) => format!("\"{text}\""),
        Token::Sign(sign) => (*sign).to_owned(),
        Token::End => "end".to_owned(),
    }
}
