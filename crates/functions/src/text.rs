//! Functions of texts. Positions count Unicode scalar values from 0.

mod pattern;

use std::collections::HashMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;

use crate::convert::to_text;
use crate::error::FunctionError;
use crate::list::below;
use crate::registry::{BYTES_MAX, Call, Fields, Function, output, pure, too_large};
use crate::value::Value;

pub(crate) fn table() -> Vec<Function> {
    vec![
        pure("string:compose", "Compose", compose)
            .takes("_text_*: text, *: text")
            .gives("output: text")
            .note("Each `{{{name}}}` becomes the input of that name; other text stays.")
            .examples(&[
                (r#"{"_text_":"Hello {{{a1}}}, {{{b2}}}{{{a1}}}!","a1":"Ada","b2":null}"#, r#"{"output":"Hello Ada, Ada!"}"#),
                (r#"{"_text_":"{{{unknown}}} {{x}}"}"#, r#"{"output":"{{{unknown}}} {{x}}"}"#),
            ]),
        pure("string:concat", "Concatenate", concat)
            .takes("string1: text, string2: text, *: text")
            .gives("output: text")
            .examples(&[(r#"{"string1":"a","string2":null,"x":"c"}"#, r#"{"output":"ac"}"#)]),
        pure("string:split", "Split", split)
            .takes("string: text, delimiter: text = \",\"")
            .gives("output: list of text")
            .note("An empty separator gives the characters. Nothing is trimmed.")
            .examples(&[
                (r#"{"string":"a, b,","delimiter":","}"#, r#"{"output":["a"," b",""]}"#),
                (r#"{"string":"aé","delimiter":""}"#, r#"{"output":["a","é"]}"#),
                (r#"{"string":"ada@example.com","delimiter":"@"}"#, r#"{"output":["ada","example.com"]}"#),
            ]),
        pure("string:substr", "Text Segment", segment)
            .takes("string: text, start: number = 0, end: number")
            .gives("output: text")
            .note("From `start` to before `end`; negative counts as 0, and the smaller of the two is the start.")
            .examples(&[
                (r#"{"string":"hello","start":1,"end":3}"#, r#"{"output":"el"}"#),
                (r#"{"string":"hello","start":2}"#, r#"{"output":"llo"}"#),
                (r#"{"string":"hello","start":3,"end":1}"#, r#"{"output":"el"}"#),
                (r#"{"string":"Ada","start":0,"end":-1}"#, r#"{"output":""}"#),
            ]),
        pure("string:toLowerCase", "To Lower Case", lower)
            .takes("string: text")
            .gives("output: text")
            .examples(&[(r#"{"string":"ÉCOLE"}"#, r#"{"output":"école"}"#)]),
        pure("string:trim", "Trim", trim)
            .takes("string: text")
            .gives("output: text")
            .examples(&[(r#"{"string":" \t a b\n"}"#, r#"{"output":"a b"}"#)]),
        pure("string:match", "Find Pattern", find_pattern)
            .takes("string: text, target*: text")
            .gives("output: number")
            .note("The position of the first match of a regular expression, -1 if there is none.")
            .examples(&[
                (r#"{"string":"room 42","target":"[0-9]"}"#, r#"{"output":5}"#),
                (r#"{"string":"room","target":"\\d"}"#, r#"{"output":-1}"#),
            ]),
        pure("string:replaceAny", "Replace Patterns", replace_any)
            .takes("text: text, patterns/*: text, replacement: text, global: true/false = true, case sensitive: true/false = false")
            .gives("output: text")
            .note("What matches any of the regular expressions becomes the replacement, which is plain text.")
            .examples(&[
                (r#"{"text":"a1-b2","patterns/1":"[0-9]","patterns/2":"-","replacement":"_"}"#, r#"{"output":"a__b_"}"#),
                (r#"{"text":"Null,null,x","patterns/1":"null,","replacement":""}"#, r#"{"output":"x"}"#),
            ]),
        pure("string:replace", "Replace", replace)
            .takes("string: text, src: text, dest: text, global: true/false = false, sensitive: true/false = false")
            .gives("output: text")
            .note("Plain text.")
            .examples(&[
                (r#"{"string":"a.b.A","src":"A","dest":"x","global":true}"#, r#"{"output":"x.b.x"}"#),
                (r#"{"string":"a.b.A","src":"A","dest":"$&","global":true,"sensitive":true}"#, r#"{"output":"a.b.$&"}"#),
                (r#"{"string":"a.b.c","src":".","dest":"-"}"#, r#"{"output":"a-b.c"}"#),
            ]),
        pure("string:length", "Length", length)
            .takes("string: text")
            .gives("length: number")
            .examples(&[(r#"{"string":"aé"}"#, r#"{"length":2}"#)]),
        pure("string:lastIndexOf", "Find Last", find_last)
            .takes("string: text, substr: text, index: number")
            .gives("output: number")
            .note("The last position, at most `index`; -1 if there is none.")
            .examples(&[
                (r#"{"string":"Ada King Noel","substr":" "}"#, r#"{"output":8}"#),
                (r#"{"string":"Ada King Noel","substr":" ","index":7}"#, r#"{"output":3}"#),
                (r#"{"string":"Ada","substr":" "}"#, r#"{"output":-1}"#),
            ]),
        pure("string:find", "Find", find)
            .takes("string: text, substr: text")
            .gives("output: number")
            .examples(&[(r#"{"string":"éa","substr":"a"}"#, r#"{"output":1}"#), (r#"{"string":"a","substr":"A"}"#, r#"{"output":-1}"#)]),
        pure("string:base64", "Base64", base64_encode)
            .takes("string: text")
            .gives("output: text")
            .examples(&[(r#"{"string":"é?"}"#, r#"{"output":"w6k/"}"#)]),
        pure("string:base64Decode", "Base64 Decode", base64_decode)
            .takes("string: text")
            .gives("output: text")
            .note("Takes the standard and the URL alphabet, with or without padding.")
            .examples(&[(r#"{"string":"IA=="}"#, r#"{"output":" "}"#), (r#"{"string":"w6k_"}"#, r#"{"output":"é?"}"#)]),
        pure("string:random", "Random", random)
            .takes("length*: number")
            .gives("output: text")
            .note("Letters and digits.")
            .examples(&[(r#"{"length":0}"#, r#"{"output":""}"#)]),
        pure("string:email", "Find Email", find_email)
            .takes("string: text")
            .gives("email: text")
            .examples(&[
                (r#"{"string":"Ada <ada.l@example.co.uk>, x"}"#, r#"{"email":"ada.l@example.co.uk"}"#),
                (r#"{"string":"none @ here"}"#, r#"{"email":null}"#),
            ]),
        pure("string:at", "At", at)
            .takes("string: text, index*: number")
            .gives("output: text")
            .examples(&[(r#"{"string":"abc","index":1}"#, r#"{"output":"b"}"#), (r#"{"string":"abc","index":9}"#, r#"{"output":""}"#)])
            .beyond_templates(),
        pure("string:toUpperCase", "To Upper Case", upper)
            .takes("string: text")
            .gives("output: text")
            .examples(&[(r#"{"string":"straße"}"#, r#"{"output":"STRASSE"}"#)])
            .beyond_templates(),
        pure("string:titleCase", "Title Case", title)
            .takes("string: text")
            .gives("output: text")
            .note("The first letter of each word is large, the others small.")
            .examples(&[(r#"{"string":"ada KING-noel  x"}"#, r#"{"output":"Ada King-noel  X"}"#)])
            .beyond_templates(),
        pure("string:replacePattern", "Replace Pattern", replace_pattern)
            .takes("string: text, pattern*: text, replacement: text, global: true/false = true, case sensitive: true/false = false")
            .gives("output: text")
            .examples(&[(r##"{"string":"a1b22","pattern":"[0-9]+","replacement":"#"}"##, r#"{"output":"a#b#"}"#)])
            .beyond_templates(),
        pure("string:findUrl", "Find URL", find_url)
            .takes("string: text")
            .gives("url: text")
            .examples(&[(r#"{"string":"see https://example.com/a?b=c."}"#, r#"{"url":"https://example.com/a?b=c"}"#)])
            .beyond_templates(),
        pure("string:repeat", "Repeat", repeat)
            .takes("string: text, count*: number")
            .gives("output: text")
            .examples(&[(r#"{"string":"ab","count":3}"#, r#"{"output":"ababab"}"#)])
            .beyond_templates(),
    ]
}

fn compose(call: &Call<'_>) -> Result<Fields, FunctionError> {
    fill(call, call.text("_text_"), to_text).and_then(output)
}

/// `template` with each `{{{name}}}` replaced by the added input of that name.
pub(crate) fn fill(call: &Call<'_>, template: &str, show: impl Fn(&Value) -> String) -> Result<String, FunctionError> {
    let inputs: HashMap<_, _> = call.added(None).collect();
    let longest = inputs.keys().map(|name| name.len()).max().unwrap_or(0);
    let mut filled = String::with_capacity(template.len());
    let (mut from, mut close) = (0, 0);
    while let Some(open) = template[from..].find("{{{").map(|at| from + at) {
        // Looked for once per closing, so that a text of nothing but braces takes no longer.
        if close < open + 3 {
            close = template[open + 3..].find("}}}").map_or(template.len(), |at| open + 3 + at);
        }
        let name = (close < template.len() && close - open - 3 <= longest).then(|| &template[open + 3..close]);
        if let Some(value) = name.and_then(|name| inputs.get(name)) {
            filled.push_str(&template[from..open]);
            filled.push_str(&show(value));
            from = close + 3;
        } else {
            filled.push_str(&template[from..=open]);
            from = open + 1;
        }
        if filled.len() > BYTES_MAX {
            return Err(too_large());
        }
    }
    filled.push_str(&template[from..]);
    Ok(filled)
}

fn concat(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.all().map(|(_, value)| to_text(value)).collect::<String>())
}

fn split(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let (text, delimiter) = (call.text("string"), call.text("delimiter"));
    let parts = if delimiter.is_empty() { text.chars().count() } else { text.matches(delimiter).count() + 1 };
    if parts * size_of::<Value>() * 2 + text.len() > BYTES_MAX {
        return Err(too_large());
    }
    if delimiter.is_empty() {
        return output(Value::list(text.chars().map(|c| Value::from(c.to_string()))));
    }
    output(Value::list(text.split(delimiter).map(Value::from)))
}

/// The byte where the character at `position` begins, or the end of the text.
fn byte_at(text: &str, position: f64) -> usize {
    let position = position.max(0.0) as usize;
    if text.is_ascii() {
        return position.min(text.len());
    }
    text.char_indices().nth(position).map_or(text.len(), |(byte, _)| byte)
}

/// The position of the character that begins at a byte; -1 for none.
fn position_of(text: &str, byte: Option<usize>) -> Value {
    byte.map_or(-1.0, |byte| text[..byte].chars().count() as f64).into()
}

fn segment(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let text = call.text("string");
    let start = byte_at(text, call.number("start").unwrap_or(0.0));
    let end = call.number("end").map_or(text.len(), |end| byte_at(text, end));
    output(&text[start.min(end)..start.max(end)])
}

fn lower(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.text("string").to_lowercase())
}

fn upper(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.text("string").to_uppercase())
}

fn title(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let mut titled = String::new();
    let mut in_word = false;
    for c in call.text("string").chars() {
        if in_word {
            titled.extend(c.to_lowercase());
        } else {
            titled.extend(c.to_uppercase());
        }
        in_word = !c.is_whitespace();
    }
    output(titled)
}

/// What JavaScript's `trim` takes off.
pub(crate) fn is_blank(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

fn trim(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.text("string").trim_matches(is_blank))
}

fn find_pattern(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let text = call.text("string");
    let found = pattern::compile(call.text("target"), true)?.find(text).map_err(pattern::too_slow)?;
    output(position_of(text, found.map(|found| found.start())))
}

fn replace_any(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let given = call.added(Some("patterns")).filter_map(|(_, pattern)| pattern.as_text());
    let patterns: Vec<_> = given.filter(|pattern| !pattern.is_empty()).collect();
    if patterns.is_empty() {
        return output(call.text("text"));
    }
    let any = pattern::compile_any(&patterns, call.truth("case sensitive"))?;
    output(pattern::replace(&any, call.text("text"), call.text("replacement"), call.truth("global"))?)
}

fn replace_pattern(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let compiled = pattern::compile(call.text("pattern"), call.truth("case sensitive"))?;
    output(pattern::replace(&compiled, call.text("string"), call.text("replacement"), call.truth("global"))?)
}

fn replace(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let wanted = call.text("src");
    if wanted.is_empty() {
        return output(call.text("string"));
    }
    let plain = pattern::compile_plain(wanted, call.truth("sensitive"))?;
    output(pattern::replace(&plain, call.text("string"), call.text("dest"), call.truth("global"))?)
}

fn length(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok([("length", call.text("string").chars().count().into())].into())
}

fn find_last(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let (text, wanted) = (call.text("string"), call.text("substr"));
    let right_most = call.number("index").map_or(text.len(), |index| byte_at(text, index));
    // A match may begin at the right-most position and reach beyond it.
    let mut end = (right_most + wanted.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    output(position_of(text, text[..end].rfind(wanted)))
}

fn find(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let text = call.text("string");
    output(position_of(text, text.find(call.text("substr"))))
}

fn base64_encode(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(BASE64_STANDARD.encode(call.text("string")))
}

/// Padding may be there or not.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

fn base64_decode(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let standard = |c: char| match c {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let text: String = call.text("string").chars().filter(|c| !is_blank(*c)).map(standard).collect();
    let decoded = GeneralPurpose::new(&alphabet::STANDARD, LENIENT).decode(text);
    let decoded = decoded.map_err(|_| FunctionError::invalid("string: the text is not Base64"))?;
    let text = String::from_utf8(decoded)
        .map_err(|_| FunctionError::invalid("string: what the Base64 stands for is no UTF-8 text"))?;
    output(text)
}

/// The number of characters that an input asks for.
fn amount(call: &Call<'_>, key: &str, bytes_each: usize) -> Result<usize, FunctionError> {
    let amount = call.number(key).unwrap_or(0.0);
    if amount.is_nan() || amount < 0.0 {
        return Err(FunctionError::invalid(format!("{key}: it must not be negative")));
    }
    if amount * bytes_each as f64 > BYTES_MAX as f64 {
        return Err(too_large());
    }
    Ok(amount as usize)
}

fn random(call: &Call<'_>) -> Result<Fields, FunctionError> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let draw = |_| char::from(LETTERS[below(call.surroundings.entropy, LETTERS.len() as u64) as usize]);
    output((0..amount(call, "length", 1)?).map(draw).collect::<String>())
}

fn repeat(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let text = call.text("string");
    output(text.repeat(amount(call, "count", text.len())?))
}

fn first_match(call: &Call<'_>, pattern: &str) -> Result<Value, FunctionError> {
    let found = pattern::compile(pattern, false)?.find(call.text("string")).map_err(pattern::too_slow)?;
    Ok(found.map(|found| found.as_str()).into())
}

fn find_email(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let found = first_match(
        call,
        r"[a-z0-9!#$%&'*+/=?^_{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}",
    )?;
    Ok([("email", found)].into())
}

fn find_url(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let found = first_match(call, r#"https?://[^\s<>"]*[^\s<>".,;:!?)\]}']"#)?;
    Ok([("url", found)].into())
}

fn at(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let text = call.text("string");
    let start = call.number("index").filter(|index| *index >= 0.0).map_or(text.len(), |index| byte_at(text, index));
    output(text[start..].chars().next().map(String::from).unwrap_or_default())
}
