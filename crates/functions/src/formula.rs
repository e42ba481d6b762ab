//! The language of Formula and Expression: a recursive-descent evaluator.
//!
//! The expression crates on crates.io each have rules of their own for `-2^2`, `5!`, `10%` and
//! comments, and would have to be corrected by rewriting their input; the language is small.
//!
//! # Source
//!
//! mathjs, which the documented operators, functions and comments agree with. From loosest to
//! tightest: `or`, `xor`, `and`, comparisons, `+ -`, `* / %`, signs and `not`, `^`, `!`.

use oktant_base::Entropy;

use crate::error::FunctionError;

/// Which operators there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Arithmetic only.
    Arithmetic,
    /// Arithmetic, comparisons and the words of logic.
    Logic,
}

/// What an expression evaluates to; true is 1 and false 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Answer {
    /// The number.
    pub(crate) number: f64,
    /// Whether it was written as a percentage, which `+` and `-` take of their left side.
    percentage: bool,
}

impl Answer {
    pub(crate) fn truth(self) -> bool {
        self.number != 0.0 && !self.number.is_nan()
    }
}

impl From<f64> for Answer {
    fn from(number: f64) -> Self {
        Self { number, percentage: false }
    }
}

impl From<bool> for Answer {
    fn from(truth: bool) -> Self {
        f64::from(u8::from(truth)).into()
    }
}

type Comparison = fn(f64, f64) -> bool;

/// Parentheses, signs and powers may nest this deep.
const DEPTH_MAX: usize = 100;

/// The value of an expression; `None` if there is none but comments.
///
/// # Errors
///
/// OKT4203 with the position if it is no expression, or has no real number as its value.
pub(crate) fn evaluate(text: &str, language: Language, entropy: &dyn Entropy) -> Result<Option<Answer>, FunctionError> {
    let mut parser = Parser { text, at: 0, depth: 0, language, entropy };
    if parser.peek().is_none() {
        return Ok(None);
    }
    let answer = parser.any_of()?;
    if parser.peek().is_some() {
        return Err(parser.expected("an operator"));
    }
    real(answer.number).map(Some)
}

/// The answer of a number, which is not one where only complex numbers have the answer.
fn real(number: f64) -> Parsed {
    if number.is_nan() {
        return Err(FunctionError::invalid("the formula has no real number as its value"));
    }
    Ok(number.into())
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    language: Language,
    entropy: &'a dyn Entropy,
}

type Parsed = Result<Answer, FunctionError>;

impl<'a> Parser<'a> {
    /// The next character after blanks and comments.
    fn peek(&mut self) -> Option<char> {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return trimmed.chars().next();
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn take(&mut self, symbol: &str) -> bool {
        self.peek();
        let taken = self.text[self.at..].starts_with(symbol);
        self.at += if taken { symbol.len() } else { 0 };
        taken
    }

    fn word(&mut self) -> &'a str {
        self.peek();
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..length]
    }

    fn take_word(&mut self, word: &str) -> bool {
        let taken = self.language == Language::Logic && self.word() == word;
        self.at += if taken { word.len() } else { 0 };
        taken
    }

    fn expected(&mut self, what: &str) -> FunctionError {
        let found = self.peek().map_or_else(|| "the end".into(), |c| format!("`{c}`"));
        let position = self.text[..self.at].chars().count() + 1;
        FunctionError::invalid(format!("expected {what} at character {position} of the formula, found {found}"))
    }

    fn nested(&mut self, parse: fn(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(FunctionError::limit(format!("the formula nests deeper than {DEPTH_MAX} levels")));
        }
        let answer = parse(self);
        self.depth -= 1;
        answer
    }

    fn any_of(&mut self) -> Parsed {
        let mut left = self.one_of()?;
        while self.take_word("or") {
            let right = self.one_of()?;
            left = (left.truth() || right.truth()).into();
        }
        Ok(left)
    }

    fn one_of(&mut self) -> Parsed {
        let mut left = self.all_of()?;
        while self.take_word("xor") {
            let right = self.all_of()?;
            left = (left.truth() != right.truth()).into();
        }
        Ok(left)
    }

    fn all_of(&mut self) -> Parsed {
        let mut left = self.comparison()?;
        while self.take_word("and") {
            let right = self.comparison()?;
            left = (left.truth() && right.truth()).into();
        }
        Ok(left)
    }

    /// `a < b < c` holds if both comparisons do.
    fn comparison(&mut self) -> Parsed {
        let mut left = self.sum()?;
        let mut holds = None;
        while let Some(compare) = self.comparison_operator() {
            let right = self.sum()?;
            holds = Some(holds.unwrap_or(true) && compare(left.number, right.number));
            left = right;
        }
        Ok(holds.map_or(left, Into::into))
    }

    fn comparison_operator(&mut self) -> Option<Comparison> {
        if self.language != Language::Logic {
            return None;
        }
        let operators: [(&str, Comparison); 6] = [
            ("==", near),
            ("!=", |a, b| !near(a, b)),
            ("<=", |a, b| a < b || near(a, b)),
            (">=", |a, b| a > b || near(a, b)),
            ("<", |a, b| a < b && !near(a, b)),
            (">", |a, b| a > b && !near(a, b)),
        ];
        operators.into_iter().find(|(symbol, _)| self.take(symbol)).map(|(_, compare)| compare)
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let sign = match self.peek() {
                Some('+') => 1.0,
                Some('-') => -1.0,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            let part = if right.percentage { left.number * right.number } else { right.number };
            left = (left.number + sign * part).into();
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.percentage()?;
        loop {
            let Some(operator @ ('*' | '/' | '%')) = self.peek() else { return Ok(left) };
            self.at += 1;
            let (a, b) = (left.number, self.percentage()?.number);
            left = match operator {
                '*' => a * b,
                '/' => a / b,
                _ => modulo(a, b),
            }
            .into();
        }
    }

    /// `5%` is a percentage unless an operand follows, which makes it a remainder.
    fn percentage(&mut self) -> Parsed {
        let operand = self.signed()?;
        let before = self.at;
        if self.take("%") && !self.operand_follows() {
            return Ok(Answer { number: operand.number / 100.0, percentage: true });
        }
        self.at = before;
        Ok(operand)
    }

    fn operand_follows(&mut self) -> bool {
        let operand = |c: char| c.is_ascii_alphanumeric() || matches!(c, '(' | '.' | '+' | '-');
        self.peek().is_some_and(operand) && !matches!(self.word(), "and" | "or" | "xor")
    }

    fn signed(&mut self) -> Parsed {
        if self.take("-") {
            return Ok((-self.nested(Self::signed)?.number).into());
        }
        if self.take("+") {
            return self.nested(Self::signed);
        }
        if self.take_word("not") {
            return Ok((!self.nested(Self::signed)?.truth()).into());
        }
        self.power()
    }

    fn power(&mut self) -> Parsed {
        let base = self.factorials()?;
        if self.take("^") {
            let exponent = self.nested(Self::signed)?;
            return real(power(base.number, exponent.number));
        }
        Ok(base)
    }

    fn factorials(&mut self) -> Parsed {
        let mut operand = self.operand()?;
        while self.peek() == Some('!') && !self.text[self.at..].starts_with("!=") {
            self.at += 1;
            operand = factorial(operand.number)?.into();
        }
        Ok(operand)
    }

    fn operand(&mut self) -> Parsed {
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let answer = self.nested(Self::any_of)?;
                if self.take(")") { Ok(answer.number.into()) } else { Err(self.expected("`)`")) }
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.literal(),
            Some(c) if c.is_ascii_alphabetic() => self.named(),
            _ => Err(self.expected("a number")),
        }
    }

    fn literal(&mut self) -> Parsed {
        let rest = &self.text.as_bytes()[self.at..];
        let digits = |from: usize| rest[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = digits(0);
        if rest.get(end) == Some(&b'.') {
            end += 1 + digits(end + 1);
        }
        if matches!(rest.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits((end + 1 + sign).min(rest.len()));
            end += if exponent > 0 { 1 + sign + exponent } else { 0 };
        }
        let number: f64 = self.text[self.at..self.at + end].parse().map_err(|_| self.expected("a number"))?;
        self.at += end;
        Ok(number.into())
    }

    fn named(&mut self) -> Parsed {
        let name = self.word();
        let start = self.at;
        self.at += name.len();
        if self.take("(") {
            let arguments = self.nested_arguments()?;
            let unknown =
                || FunctionError::invalid(format!("the formula has no function {name} of {} numbers", arguments.len()));
            return real(call(name, &arguments, self.entropy).ok_or_else(unknown)?);
        }
        match name {
            "pi" => Ok(std::f64::consts::PI.into()),
            "e" => Ok(std::f64::consts::E.into()),
            "Infinity" => Ok(f64::INFINITY.into()),
            "NaN" => Ok(f64::NAN.into()),
            "true" if self.language == Language::Logic => Ok(true.into()),
            "false" | "null" if self.language == Language::Logic => Ok(false.into()),
            _ => {
                self.at = start;
                Err(self.expected("a number, a function or pi"))
            }
        }
    }

    fn nested_arguments(&mut self) -> Result<Vec<f64>, FunctionError> {
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.nested(Self::any_of)?.number);
            if self.take(")") {
                return Ok(arguments);
            }
            if !self.take(",") {
                return Err(self.expected("`,` or `)`"));
            }
        }
    }
}

fn call(name: &str, arguments: &[f64], entropy: &dyn Entropy) -> Option<f64> {
    Some(match (name, arguments) {
        ("abs", [x]) => x.abs(),
        ("ceil", [x]) => -floor(-x),
        ("floor", [x]) => floor(*x),
        ("round", [x]) => x.round(),
        ("round", [x, decimals]) if decimals.fract() == 0.0 && (0.0..=15.0).contains(decimals) => {
            crate::math::round_to(x.abs(), *decimals).copysign(*x)
        }
        ("min", [first, rest @ ..]) => {
            rest.iter().fold(*first, |least, x| if x.is_nan() || *x < least { *x } else { least })
        }
        ("max", [first, rest @ ..]) => {
            rest.iter().fold(*first, |most, x| if x.is_nan() || *x > most { *x } else { most })
        }
        ("random", []) => entropy.unit(),
        ("random", [max]) => entropy.unit() * max,
        ("random", [min, max]) => min + entropy.unit() * (max - min),
        ("exp", [x]) => x.exp(),
        ("log", [x]) => log(*x, None),
        ("log", [x, base]) => log(*x, Some(*base)),
        ("log10", [x]) => x.log10(),
        ("log2", [x]) => x.log2(),
        ("pow", [x, y]) => power(*x, *y),
        ("mod", [x, y]) => modulo(*x, *y),
        ("sqrt", [x]) => x.sqrt(),
        ("sin", [x]) => x.sin(),
        ("cos", [x]) => x.cos(),
        ("tan", [x]) => x.tan(),
        ("asin", [x]) => x.asin(),
        ("acos", [x]) => x.acos(),
        ("atan", [x]) => x.atan(),
        ("sinh", [x]) => x.sinh(),
        ("cosh", [x]) => x.cosh(),
        ("tanh", [x]) => x.tanh(),
        _ => return None,
    })
}

/// The logarithm; natural without a base, and exact for whole powers of 2 and 10.
pub(crate) fn log(number: f64, base: Option<f64>) -> f64 {
    match base {
        None => number.ln(),
        Some(2.0) => number.log2(),
        Some(10.0) => number.log10(),
        Some(base) => number.ln() / base.ln(),
    }
}

/// The power; NaN where only complex numbers have it, and where JavaScript leaves it open: 1 to an
/// infinite power.
#[expect(clippy::float_cmp, reason = "exactly 1 and -1 are the cases in question")]
pub(crate) fn power(base: f64, exponent: f64) -> f64 {
    let open = base.abs() == 1.0 && exponent.is_infinite();
    let complex = base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0;
    if open || complex || exponent.is_nan() { f64::NAN } else { base.powf(exponent) }
}

/// The remainder that has the sign of the divisor; by 0, the number itself.
fn modulo(a: f64, b: f64) -> f64 {
    if b == 0.0 { a } else { a - b * floor(a / b) }
}

/// The whole number below, or the one that a number misses by the errors of binary fractions.
fn floor(number: f64) -> f64 {
    let (floor, round) = (number.floor(), number.round());
    if near(number, round) && !near(number, floor) { round } else { floor }
}

/// Whether two numbers are equal but for the errors of binary fractions.
#[expect(clippy::float_cmp, reason = "infinities are equal only so")]
fn near(a: f64, b: f64) -> bool {
    a == b || (a.is_finite() && b.is_finite() && (a - b).abs() <= (1e-12 * a.abs().max(b.abs())).max(1e-15))
}

/// The factorial, by way of the gamma function for fractions.
pub(crate) fn factorial(number: f64) -> Result<f64, FunctionError> {
    if number < 0.0 {
        return Err(FunctionError::invalid("there is no factorial of a negative number"));
    }
    if number > 170.0 {
        return Ok(if number.fract() == 0.0 || number > 171.0 { f64::INFINITY } else { libm::tgamma(number + 1.0) });
    }
    if number.fract() == 0.0 {
        return Ok((1..=number as u32).map(f64::from).product());
    }
    Ok(libm::tgamma(number + 1.0))
}
