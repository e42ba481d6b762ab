//! What is wrong with a flow before it runs.

mod cards;

use std::collections::{HashMap, HashSet};
use std::fmt;

use oktant_base::{Code, codes};

use crate::flopack::{is_mirror, is_template};
use crate::model::{
    Action, Address, Base, Body, Call, ConnectionId, Failure, Flow, FlowId, HelperValue, Input, Kind, Loop, LoopMode,
    Output, Project, Reference, Schedule, Slot, Source, Step, StepId, TableId, TriggerKind, Type,
};
use crate::schedule::Times;
use crate::visit::{joined, references, sources};

use cards::Outputs;
pub use cards::{Catalogue, Field, Shape};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub code: Code,
    /// The name of the flow.
    pub flow: String,
    /// The step; nothing if it is about the flow itself.
    pub step: Option<StepId>,
    /// The field of the step, or of the flow.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// How it is mended; the rule's own advice where there is none.
    pub hint: Option<String>,
}

impl fmt::Display for Finding {
    /// `flow Create users, card read_user, field User / ID: … [OKT4110]; hint: …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flow {}", self.flow)?;
        if let Some(step) = &self.step {
            write!(f, ", card {step}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field {field}")?;
        }
        write!(f, ": {} [{}]", self.message, self.code.id())?;
        write!(f, "; hint: {}", self.hint.as_deref().unwrap_or_else(|| self.code.fix()))
    }
}

/// What is known besides the flow.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    /// The project that the flow belongs to. Without it nothing is said about other flows,
    /// tables, connections and folders.
    pub project: Option<&'a Project>,
    /// The cards that can be run. Without it every address counts as known.
    pub catalogue: Option<&'a dyn Catalogue>,
}

/// Everything that is wrong with the flows of a project.
pub fn project(project: &Project, catalogue: Option<&dyn Catalogue>) -> Vec<Finding> {
    let context = Context { project: Some(project), catalogue };
    project.flows.values().flat_map(|one| flow(one, context)).collect()
}

/// Everything that is wrong with a flow.
pub fn flow(flow: &Flow, context: Context<'_>) -> Vec<Finding> {
    let mut check = Check { flow, context, found: Vec::new(), step: None, all: HashSet::new(), types: HashMap::new() };
    check.run();
    check.found
}

struct Check<'a> {
    flow: &'a Flow,
    context: Context<'a>,
    found: Vec<Finding>,
    step: Option<&'a StepId>,
    all: HashSet<&'a StepId>,
    types: HashMap<(&'a StepId, &'a Slot), Type>,
}

/// The steps that can be read at a point, with their outputs.
type Scope<'a> = HashMap<&'a StepId, Outputs<'a>>;

impl<'a> Check<'a> {
    fn run(&mut self) {
        let trigger = &self.flow.trigger;
        self.all.insert(&trigger.id);
        self.remember(&trigger.id, &trigger.outputs);
        let mut twice = Vec::new();
        let flow = self.flow;
        flow.body.walk(&mut |step, _| {
            if !self.all.insert(&step.id) {
                twice.push(&step.id);
            }
            self.remember(&step.id, &step.outputs);
            if let Kind::Try(attempt) = &step.kind {
                self.all.insert(&attempt.error);
            }
        });
        for step in twice {
            self.step = Some(step);
            self.report(codes::OKT4110, None, "another step has the same identifier".to_owned(), None);
        }
        self.step = None;
        self.head();
        let declared = trigger.outputs.iter().map(|output| &output.slot);
        let own = declared.chain(&*CONTEXT).chain(&*RAW);
        let outputs = match &trigger.kind {
            TriggerKind::Event(event) => self.given_by(&event.address),
            _ => Outputs::Only(own.collect()),
        };
        let mut scope = HashMap::from([(&trigger.id, outputs)]);
        self.body(&self.flow.body, &mut scope);
    }

    fn remember(&mut self, id: &'a StepId, outputs: &'a [Output]) {
        self.types.extend(outputs.iter().map(|output| ((id, &output.slot), output.ty)));
    }

    fn report(&mut self, code: Code, field: Option<&str>, message: String, hint: Option<String>) {
        self.found.push(Finding {
            code,
            flow: self.flow.name.clone(),
            step: self.step.cloned(),
            field: field.map(str::to_owned),
            message,
            hint,
        });
    }

    /// The flow itself: its trigger. A folder only says where people find it.
    fn head(&mut self) {
        let flow = self.flow;
        self.step = Some(&flow.trigger.id);
        match &flow.trigger.kind {
            TriggerKind::Event(event) => {
                self.card(&event.address, event.connection.as_ref());
                self.options(&event.options);
            }
            TriggerKind::Schedule(schedule) => self.schedule(schedule),
            TriggerKind::Helper | TriggerKind::Endpoint(_) | TriggerKind::Delegated | TriggerKind::Manual => {}
        }
        self.step = None;
    }

    fn schedule(&mut self, at: &Schedule) {
        for problem in Times::read(at).err().into_iter().flatten() {
            self.report(codes::OKT4119, Some(problem.field), problem.reason, None);
        }
    }

    fn body(&mut self, body: &'a Body, scope: &mut Scope<'a>) {
        let mut ended = None;
        for step in &body.steps {
            self.step = Some(&step.id);
            if let Some(end) = ended.filter(|_| !says_nothing_new(step)) {
                self.report(codes::OKT4116, None, format!("it never runs: {end} ends the flow before it"), None);
                ended = None;
            }
            self.step(step, scope);
            if ends(step) {
                ended = Some(&step.id);
            }
            scope.insert(&step.id, self.outputs(step));
        }
    }

    fn step(&mut self, step: &'a Step, scope: &mut Scope<'a>) {
        for (field, source) in sources(step) {
            self.source(&field, source, scope);
        }
        if let (Some(project), Failure::Flow(flow)) = (self.context.project, &step.on_error.then)
            && !project.flows.contains_key(flow)
        {
            self.report(codes::OKT4117, Some("on error"), format!("there is no flow {flow}"), None);
        }
        match &step.kind {
            Kind::Action(action) => {
                self.action(action);
                self.fields(step, action);
            }
            Kind::Loop(each) => self.each(each),
            Kind::Call(call) => self.call(call),
            Kind::If(branch) => {
                self.operator(&branch.condition.operator);
                let inside = |check: &mut Self, body: &'a Body, side: usize, scope: &Scope<'a>| {
                    let mut inner = scope.clone();
                    check.body(body, &mut inner);
                    check.step = Some(&step.id);
                    for (field, sources) in joined(step) {
                        check.source(&format!("{field} of {}", ["then", "else"][side]), sources[side], &inner);
                    }
                };
                inside(self, &branch.then, 0, scope);
                inside(self, &branch.otherwise, 1, scope);
            }
            Kind::Switch(switch) => {
                for arm in &switch.arms {
                    self.operator(&arm.condition.operator);
                    self.inner(step, &arm.body, scope.clone());
                }
                self.inner(step, &switch.otherwise, scope.clone());
            }
            Kind::Try(attempt) => {
                self.inner(step, &attempt.body, scope.clone());
                let mut inner = scope.clone();
                inner.insert(&attempt.error, Outputs::Only(CONTEXT.iter().collect()));
                self.inner(step, &attempt.handler, inner);
            }
            Kind::Note(_) => {}
        }
    }

    /// A body that gives the outputs of its step by a Return.
    fn inner(&mut self, step: &'a Step, body: &'a Body, mut scope: Scope<'a>) {
        self.body(body, &mut scope);
        self.step = Some(&step.id);
        let returned = returns(body);
        for output in &step.outputs {
            if !returned.is_empty() && !returned.iter().any(|slots| slots.contains(&&output.slot)) {
                let message = "a body inside does not return it".to_owned();
                let hint = format!("add {} to the Return of each body", output.slot);
                self.report(codes::OKT4118, Some(&output.slot.to_string()), message, Some(hint));
                return;
            }
        }
    }

    fn operator(&mut self, operator: &str) {
        if !crate::text::OPERATORS.contains(&operator) {
            self.report(codes::OKT4119, Some("operator"), format!("{operator:?} compares nothing"), None);
        }
    }

    fn action(&mut self, action: &'a Action) {
        self.card(&action.address, action.connection.as_ref());
        self.options(&action.options);
        self.inputs(&action.inputs);
        for input in &action.inputs {
            if matches!(input.source, Source::Template(_)) && !is_template(&action.address, &input.slot) {
                let message = "text with values in it can be exported from Compose and Formula only".to_owned();
                let hint = Some("put a Compose before the card and use its output".to_owned());
                self.report(codes::OKT4102, Some(&input.slot.to_string()), message, hint);
            }
        }
    }

    fn card(&mut self, address: &Address, connection: Option<&ConnectionId>) {
        if self.context.catalogue.is_some_and(|catalogue| !catalogue.knows(address)) {
            self.report(codes::OKT4113, None, format!("{address} cannot be run"), None);
        }
        // A card without one goes by its module.
        if let (Some(id), Some(project)) = (connection, self.context.project)
            && !project.connections.contains_key(id)
        {
            self.report(codes::OKT4114, Some("connection"), format!("there is no connection {id}"), None);
        }
    }

    fn options(&mut self, options: &'a [Input]) {
        for option in options {
            if !references(&option.source).is_empty() {
                let message = "an option is fixed when the flow is made; it cannot come from another card".to_owned();
                self.report(codes::OKT4111, Some(&option.slot.to_string()), message, None);
            }
        }
        self.inputs(options);
    }

    fn inputs(&mut self, inputs: &'a [Input]) {
        for input in inputs {
            if input.required && input.source == Source::Empty {
                self.report(codes::OKT4115, Some(&input.slot.to_string()), "it needs a value".to_owned(), None);
            }
            self.typed(&input.slot.to_string(), &input.source, input.ty);
        }
    }

    /// Whether the value of a reference can become what it is given to.
    fn typed(&mut self, field: &str, source: &'a Source, wanted: Type) {
        let Source::Reference(Reference { step, slot, path, convert: None }) = source else { return };
        let Some(given) = self.types.get(&(step, slot)).copied().filter(|_| path.is_empty()) else { return };
        if !converts(given, wanted) {
            let message = format!("{step}.{slot} is {given}, which never becomes {wanted}");
            self.report(codes::OKT4111, Some(field), message, None);
        }
    }

    fn each(&mut self, each: &'a Loop) {
        let own: Vec<_> = std::iter::once(&each.over).chain(&each.concurrency).chain(&each.start).collect();
        for input in own {
            self.inputs(std::slice::from_ref(input));
        }
        if let Some(Input { source: Source::Constant(count), .. }) = &each.concurrency
            && !count.as_f64().is_some_and(|count| (1.0..=200.0).contains(&count))
        {
            self.report(codes::OKT4119, Some("concurrency"), format!("{count} is not 1 to 200"), None);
        }
        let given: Vec<_> = each.inputs.iter().map(|input| input.key.as_str()).collect();
        for input in &each.inputs {
            if let HelperValue::Same(source) = &input.value {
                self.typed(&input.key, source, input.ty);
            }
        }
        self.helper(each.flow.as_ref(), &given, each.mode == LoopMode::Reduce);
    }

    fn call(&mut self, call: &'a Call) {
        self.inputs(&call.inputs);
        let given: Vec<_> = call.inputs.iter().map(|input| input.slot.key.as_str()).collect();
        self.helper(call.flow.as_ref(), &given, false);
    }

    /// Whether a helper flow is there and takes what it is given.
    fn helper(&mut self, flow: Option<&FlowId>, given: &[&str], reduces: bool) {
        let Some(id) = flow else {
            return self.report(codes::OKT4117, Some("flow"), "no helper flow is chosen".to_owned(), None);
        };
        let Some(project) = self.context.project else { return };
        let Some(helper) = project.flows.get(id) else {
            return self.report(codes::OKT4117, Some("flow"), format!("there is no flow {id}"), None);
        };
        if !matches!(helper.trigger.kind, TriggerKind::Helper | TriggerKind::Schedule(_)) {
            let message = format!("{} is no helper flow", helper.name);
            self.report(
                codes::OKT4112,
                Some("flow"),
                message,
                Some("call a flow whose trigger is Helper Flow".to_owned()),
            );
        }
        let parameters = || helper.trigger.outputs.iter().filter(|output| output.slot.group.is_none());
        for key in given {
            let known = parameters().any(|parameter| parameter.slot.key == *key) || reduces && *key == "memo";
            let kept = self.step.is_some_and(|step| self.flow.kept.has_input(step, &Slot::plain(*key)));
            if !known && !kept {
                let message = format!("{} takes no input of this name", helper.name);
                let names: Vec<_> = parameters().map(|parameter| parameter.slot.key.as_str()).collect();
                let hint = if names.is_empty() {
                    "it takes none".to_owned()
                } else {
                    format!("it takes {}", names.join(", "))
                };
                self.report(codes::OKT4112, Some(key), message, Some(hint));
            }
        }
    }

    fn source(&mut self, field: &str, source: &'a Source, scope: &Scope<'a>) {
        for reference in references(source) {
            self.reference(field, reference, scope);
        }
        let Some(project) = self.context.project else { return };
        match source {
            Source::Flow(flow) if !project.flows.contains_key(flow) => {
                self.report(codes::OKT4117, Some(field), format!("there is no flow {flow}"), None);
            }
            Source::Table(table) if !project.tables.contains_key(table) => self.no_table(field, table),
            _ => {}
        }
    }

    fn no_table(&mut self, field: &str, table: &TableId) {
        self.report(codes::OKT4117, Some(field), format!("there is no table {table}"), None);
    }

    /// Whether a step has an output, whatever its card gives: by the export that it came with, or as every trigger.
    fn has_anyway(&self, step: &StepId, slot: &Slot) -> bool {
        self.flow.kept.has_output(step, slot) || *step == self.flow.trigger.id && CONTEXT.contains(slot)
    }

    fn reference(&mut self, field: &str, reference: &Reference, scope: &Scope<'a>) {
        let Reference { step, slot, .. } = reference;
        match scope.get(step) {
            None if self.all.contains(step) => {
                let message = format!("{step} has not run when this card runs");
                let hint = "read outputs of earlier cards of the same body or of those around it; an If gives values by its outputs";
                self.report(codes::OKT4110, Some(field), message, Some(hint.to_owned()));
            }
            None => self.report(codes::OKT4110, Some(field), format!("there is no card {step}"), None),
            Some(outputs) if !outputs.have(slot) && !self.has_anyway(step, slot) => {
                let names = outputs.names(|slot| !CONTEXT.contains(slot) && !RAW.contains(slot));
                let hint = if names.is_empty() { "it has none".to_owned() } else { format!("it has {names}") };
                self.report(codes::OKT4110, Some(field), format!("{step} has no output {slot}"), Some(hint));
            }
            Some(_) => {}
        }
    }

    fn outputs(&self, step: &'a Step) -> Outputs<'a> {
        match &step.kind {
            Kind::If(_) => Outputs::Only(step.outputs.iter().map(|output| &output.slot).chain([&*RESULT]).collect()),
            Kind::Action(action) if is_mirror(&action.address) => {
                Outputs::Only(action.inputs.iter().map(|input| &input.slot).collect())
            }
            Kind::Action(action) if !streams(action) => self.given_by(&action.address),
            Kind::Call(Call { wait: true, flow: Some(id), .. }) => {
                let helper = self.context.project.and_then(|project| project.flows.get(id));
                match helper.map(|helper| returns(&helper.body)) {
                    Some(returned) if !returned.is_empty() => Outputs::Only(returned.into_iter().flatten().collect()),
                    _ => Outputs::Any,
                }
            }
            Kind::Note(_) => Outputs::Only(Vec::new()),
            _ => Outputs::Any,
        }
    }
}

static RESULT: std::sync::LazyLock<Slot> = std::sync::LazyLock::new(|| Slot::plain("result"));

/// What a run says about itself.
static CONTEXT: std::sync::LazyLock<Vec<Slot>> = std::sync::LazyLock::new(|| {
    let keys = ["index", "parent", "error", "execution_id", "execution_time"];
    let user = Slot::grouped("user context", "okta-user-id");
    keys.into_iter().map(|key| Slot::grouped("context", key)).chain([user]).collect()
});

/// What a request to an endpoint holds.
static RAW: std::sync::LazyLock<Vec<Slot>> = std::sync::LazyLock::new(|| {
    ["headers", "body", "query"].into_iter().map(|key| Slot::grouped("raw", key)).collect()
});

/// Whether a step may stand behind the end of a body: a remark, and the Return that tells which outputs a body has, whose
/// place the editor of Okta Workflows has behind a Return Error.
fn says_nothing_new(step: &Step) -> bool {
    match &step.kind {
        Kind::Note(_) => true,
        Kind::Action(action) => action.address.as_str() == "control:return",
        _ => false,
    }
}

/// Whether a card hands its records to a helper flow; what it gives then is their number, whatever it is called.
fn streams(action: &Action) -> bool {
    action.options.iter().chain(&action.inputs).any(|input| matches!(input.source, Source::Flow(_)))
}

/// Whether nothing after a step of the same body can run.
fn ends(step: &Step) -> bool {
    match &step.kind {
        Kind::Action(action) => {
            matches!(action.address.as_str(), "control:return" | "control:returnRaw" | "control:throw")
        }
        Kind::If(branch) => [&branch.then, &branch.otherwise].into_iter().all(|body| body.steps.iter().any(ends)),
        _ => false,
    }
}

/// The fields of each Return of a body, without those of bodies that return to their own card.
fn returns(body: &Body) -> Vec<Vec<&Slot>> {
    let mut out = Vec::new();
    for step in &body.steps {
        match &step.kind {
            Kind::Action(action) if action.address.as_str() == "control:return" => {
                out.push(action.inputs.iter().map(|input| &input.slot).collect());
            }
            Kind::If(branch) => out.extend([&branch.then, &branch.otherwise].into_iter().flat_map(returns)),
            _ => {}
        }
    }
    out
}

/// Whether a value of one type can become the other at run time.
fn converts(from: Type, to: Type) -> bool {
    let special = |base: Base| matches!(base, Base::File | Base::Flow | Base::Folder);
    match (from.list, to.list) {
        (_, true) | (false, false) if from.base == to.base => true,
        (true, false) => matches!(to.base, Base::Text | Base::Boolean),
        (_, true) => !special(to.base) || from.base == Base::Text,
        (false, false) => matches!(
            (from.base, to.base),
            (Base::Text, _)
                | (_, Base::Text | Base::Boolean)
                | (Base::Boolean | Base::Date, Base::Number)
                | (Base::Number, Base::Date)
        ),
    }
}
