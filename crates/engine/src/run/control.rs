//! Cards that the engine itself is: they end, refuse or delay a flow.

use std::time::Duration;

use oktant_flow::model::{Action, Step};
use oktant_functions::{self as functions, FunctionError, Value};

use super::input::{constant, input_error, target};
use super::{Answer, End, Frame, Halt, Run};
use crate::action::{CardError, ErrorKind, Field, Fields};
use crate::functions::Functions;
use crate::journal::Record;

/// The longest wait that the cards allow.
const WAIT_MAX: Duration = Duration::from_hours(30 * 24);

impl Run {
    /// Runs a card of the engine; `None` if the address is none.
    pub(super) async fn control<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        action: &'f Action,
    ) -> Option<Result<End, Halt>> {
        let card = card(action.address.as_str())?;
        let inputs = match frame.inputs(&action.inputs, false) {
            Ok(inputs) => inputs,
            Err(error) => return Some(Err(self.failed(frame, step, error))),
        };
        Some(match card(&inputs) {
            Ok(control) => self.control_end(frame, step, control, inputs).await,
            Err(error) => Err(self.failed_with(frame, step, error, Some(&inputs))),
        })
    }

    async fn control_end<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        control: Control,
        inputs: Fields,
    ) -> Result<End, Halt> {
        match control {
            Control::Go => self.ended(frame, step, Some(&inputs), Fields::new()),
            Control::End(end) => {
                // Return and Return Raw show what they were given as outputs, too.
                self.ended(frame, step, Some(&inputs), inputs.clone())?;
                Ok(end)
            }
            Control::Answer(answer) => {
                let path = frame.path(step.id.as_str());
                if self.log.known(&path).is_none_or(|known| known.end.is_none()) {
                    let at = self.log.now();
                    self.log.push(Record::Answered { at, status: answer.status });
                    self.log.push(Record::Result { path, at, outputs: Fields::new(), private: false });
                    self.log.commit().await?;
                    self.tell(answer);
                }
                self.keep(frame, step.id.as_str(), Fields::new())?;
                Ok(End::Done)
            }
            Control::Wait(wait) => {
                let path = frame.path(step.id.as_str());
                let known = self.log.known(&path).unwrap_or_default();
                let refused = match known.end {
                    Some(Err(error)) => Some(error),
                    _ if known.timer.is_none() && wait.is_too_long(self.log.now()) => Some(too_long("date")),
                    _ => None,
                };
                if let Some(error) = refused {
                    return Err(self.failed_with(frame, step, error, Some(&inputs)));
                }
                self.wait(&path, 0, || wait.end(self.log.now())).await?;
                self.ended(frame, step, Some(&inputs), Fields::new())
            }
        }
    }

    /// Waits until a time that is drawn once; the journal keeps it.
    ///
    /// A short wait is waited out here; a longer one parks the run.
    pub(super) async fn wait(&self, path: &str, attempt: u32, end: impl FnOnce() -> i64) -> Result<(), Halt> {
        let known = self.log.known(path).and_then(|known| known.timer).filter(|(_, of)| *of == attempt);
        let until = if let Some((until, _)) = known {
            until
        } else {
            let until = end();
            if until > self.log.now() {
                self.log.push(Record::Timer { path: path.into(), at: self.log.now(), until, attempt });
                self.log.commit().await?;
            }
            until
        };
        let Ok(rest) = u64::try_from(until.saturating_sub(self.log.now())) else { return Ok(()) };
        let rest = Duration::from_millis(rest);
        if rest > self.shared.settings.park_after {
            return Err(Halt::Park(until));
        }
        tokio::select! {
            () = crate::work::sleep_until(&*self.shared.clock, until) => {}
            () = self.cancel.cancelled() => return Err(self.halted()),
        }
        Ok(())
    }
}

/// Whether the engine runs the card of this address (`module:operation`) itself, be it a function or one that ends,
/// refuses or delays a flow; all others are its [`Actions`](crate::Actions).
pub fn has_card(address: &str) -> bool {
    card(address).is_some() || Functions::has(address)
}

/// What the engine's own card of an address wants, by its inputs.
fn card(address: &str) -> Option<Card> {
    Some(match address {
        "control:noop" | "control:comment" => |_| Ok(Control::Go),
        "control:return" => |inputs| Ok(Control::End(End::Returned(inputs.clone()))),
        "control:returnRaw" => |inputs| Ok(Control::End(End::Raw(raw_answer(inputs, None)?))),
        "httpfunctions:close" => |inputs| Ok(Control::Answer(raw_answer(inputs, Some("Response"))?)),
        "control:continueIf" => continue_if,
        "control:throw" => |inputs| Err(thrown(inputs, 500)),
        "control:throwIf" => |inputs| if condition(inputs)? { Err(thrown(inputs, 400)) } else { Ok(Control::Go) },
        "control:wait" => |inputs| Ok(Control::Wait(delay(inputs)?)),
        "control:until" => until,
        _ => return None,
    })
}

/// A card of the engine: its inputs tell what it wants.
type Card = fn(&Fields) -> Result<Control, CardError>;

/// What a card of the engine wants.
enum Control {
    /// Go on.
    Go,
    /// End the body.
    End(End),
    /// Answer the caller and go on.
    Answer(Answer),
    /// Wait.
    Wait(Wait),
}

enum Wait {
    For(Duration),
    Until(i64),
}

impl Wait {
    /// Milliseconds since 1970.
    fn end(&self, now: i64) -> i64 {
        match self {
            Self::For(duration) => now.saturating_add(millis(*duration)),
            Self::Until(instant) => *instant,
        }
    }

    fn is_too_long(&self, now: i64) -> bool {
        self.end(now) > now.saturating_add(millis(WAIT_MAX))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn too_long(input: &str) -> CardError {
    input_error(&FunctionError::invalid(format!("{input}: a flow can wait 30 days at most")))
}

fn continue_if(inputs: &Fields) -> Result<Control, CardError> {
    if condition(inputs)? {
        return Ok(Control::Go);
    }
    let message = inputs.get(Some("otherwise"), "message").filter(|value| !functions::is_empty(value));
    Ok(Control::End(End::Stopped(message.map(functions::to_text))))
}

/// Whether the comparison of the card's three condition inputs holds.
fn condition(inputs: &Fields) -> Result<bool, CardError> {
    let value = |key| inputs.get(None, key).cloned().unwrap_or_default();
    let decide = || {
        let operator = functions::to_text(&value("operator")).parse::<functions::Operator>()?;
        functions::compare(operator, &value("left-operand"), &value("right-operand"))
    };
    decide().map_err(|error| input_error(&error))
}

/// The error that Return Error raises: its status, its message, and the author's own fields.
fn thrown(inputs: &Fields, default_status: u16) -> CardError {
    const OWN: [&str; 5] = ["message", "statusCode", "left-operand", "operator", "right-operand"];
    let message = inputs.get(None, "message").map(functions::to_text).unwrap_or_default();
    let status = match inputs.get(None, "statusCode").and_then(Value::as_number) {
        None => default_status,
        // What is no status of an answer cannot be answered with.
        Some(code) if !(200.0..600.0).contains(&code) => 500,
        Some(code) => code as u16,
    };
    let extra = inputs.iter().filter(|field| field.group.is_none() && !OWN.contains(&&*field.key)).cloned();
    CardError {
        status: Some(status),
        code: Some(Value::Number(f64::from(status))),
        extra: extra.collect(),
        ..CardError::new(ErrorKind::Thrown, message)
    }
}

/// The answer of Return Raw, and of Close where the fields are in a group.
fn raw_answer(inputs: &Fields, group: Option<&str>) -> Result<Answer, CardError> {
    let value = |key| inputs.get(group, key).or_else(|| inputs.get(None, key)).cloned().unwrap_or_default();
    let status = value("statusCode").as_number().unwrap_or(200.0);
    if !(100.0..=599.0).contains(&status) {
        let message = format!("statusCode: expected an HTTP status of 100 to 599, got {status}");
        return Err(input_error(&FunctionError::invalid(message)));
    }
    let headers = value("headers");
    let headers = headers.as_object().into_iter().flat_map(|object| object.iter());
    Ok(Answer {
        status: status as u16,
        headers: headers.map(|(name, value)| (name.to_string(), functions::to_text(value))).collect(),
        body: functions::to_text(&value("body")),
    })
}

fn delay(inputs: &Fields) -> Result<Wait, CardError> {
    const HOUR: f64 = 3600.0;
    let number = inputs.get(None, "delay").and_then(Value::as_number).unwrap_or_default();
    let unit = inputs.get(None, "unit").map(functions::to_text).unwrap_or_default();
    let seconds = match unit.trim().trim_end_matches('s') {
        "second" => 1.0,
        "minute" => 60.0,
        "hour" => HOUR,
        "day" => 24.0 * HOUR,
        "week" => 7.0 * 24.0 * HOUR,
        "month" => 30.0 * 24.0 * HOUR,
        "year" => 365.0 * 24.0 * HOUR,
        _ => {
            let error = FunctionError::invalid(format!("unit: there is no unit of time {unit:?}"))
                .hinted("one of second, minute, hour, day, week, month, year");
            return Err(input_error(&error));
        }
    };
    let wait = Duration::try_from_secs_f64((number * seconds).max(0.0)).unwrap_or(Duration::MAX);
    if wait > WAIT_MAX {
        return Err(too_long("delay"));
    }
    Ok(Wait::For(wait))
}

fn until(inputs: &Fields) -> Result<Control, CardError> {
    let missing = || input_error(&FunctionError::missing("date"));
    let date = inputs.get(None, "date").ok_or_else(missing)?;
    let date = functions::convert(date, &functions::Type::Date, functions::Flags::default());
    let date = date.map_err(|error| input_error(&error.at("date")))?.as_date().ok_or_else(missing)?;
    Ok(Control::Wait(Wait::Until(date.timestamp_millis())))
}

/// The values that a flow starts with, from what its caller gives: by group and key, defaults filled in, each converted
/// to its type.
pub(crate) fn trigger_values(
    flow: &oktant_flow::model::Flow,
    given: impl Fn(Option<&str>, &str) -> Option<Value>,
) -> Result<Fields, CardError> {
    let outputs = flow.trigger.outputs.iter().map(|output| {
        let (group, key) = (output.slot.group.as_deref(), output.slot.key.as_str());
        let value = given(group, key).filter(|value| !value.is_null());
        let value = value.unwrap_or_else(|| constant(&output.default));
        let value = functions::convert(&value, &target(output.ty), functions::Flags::default())
            .map_err(|error| input_error(&error.at(key)))?;
        Ok(Field::new(group.map(Into::into), key, value))
    });
    outputs.collect()
}
