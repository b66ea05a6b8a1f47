//! The child: loads models and computes them until its input ends.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use rten::{LoadErrorKind, Model, NodeId, RunErrorKind, Value};
use rten_tensor::prelude::*;

use super::protocol::{Answer, Names, Refusal, Request, Task, framed, output_lengths};
use super::tensor::{self, NamedTensor, TENSOR_BYTES_MAX, TensorHeader};
use crate::child_process::{Requests, confine, limit_cpu_time};

/// What the child's `main` calls: answers requests on standard input on standard
/// output, until the input ends. It fails when the parent can't be talked to. The
/// memory bound of the first request holds for all; that on CPU time is set anew by
/// each.
#[must_use]
pub fn main() -> ExitCode {
    let Err(error) = serve() else { return ExitCode::SUCCESS };
    // The parent reads these words if it lives; if not, nobody does.
    drop(writeln!(io::stderr(), "{error}"));
    ExitCode::FAILURE
}

fn serve() -> io::Result<()> {
    // The text of a panic is an answer, not something for standard error.
    std::panic::set_hook(Box::new(|_| {}));
    let mut confined = false;
    let mut models = HashMap::new();
    Requests::read(|| read().ok()).answer_all(|(request, data)| {
        if !confined {
            confine(request.memory_bytes_max)?;
            confined = true;
        }
        limit_cpu_time(request.cpu_seconds_max, None)?;
        let (answer, outputs) = answer(request.task, data, &mut models);
        let mut out = io::stdout().lock();
        out.write_all(&framed(&answer)?)?;
        outputs.iter().try_for_each(|output| out.write_all(&output.data))?;
        out.flush()
    })
}

/// A request and the data that follows it. The parent is trusted.
fn read() -> io::Result<(Request, Vec<Vec<u8>>)> {
    let mut input = io::stdin().lock();
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let request: Request = serde_json::from_slice(&piece(&mut input, u32::from_le_bytes(length) as usize)?)?;
    let lengths = request.task.data().ok_or_else(|| io::Error::other("the request is too large"))?;
    let data = lengths.into_iter().map(|length| piece(&mut input, length)).collect::<io::Result<_>>()?;
    Ok((request, data))
}

fn piece(input: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    input.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

fn answer(task: Task, data: Vec<Vec<u8>>, models: &mut HashMap<String, Model>) -> (Answer, Vec<NamedTensor>) {
    let answered = catch_unwind(AssertUnwindSafe(|| match task {
        Task::Load { digest, forget, .. } => {
            forget.iter().for_each(|digest| drop(models.remove(digest)));
            let model = load(data.concat())?;
            let names = names(&model)?;
            models.insert(digest, model);
            Ok((Answer::Loaded(names), Vec::new()))
        }
        Task::Compute { digest, inputs } => {
            let model = models.get(&digest).ok_or_else(|| unloaded(&digest))?;
            let outputs = compute(model, inputs, data)?;
            let headers = outputs.iter().map(|output| output.header.clone()).collect();
            Ok((Answer::Computed { outputs: headers }, outputs))
        }
    }));
    match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(refusal)) => (Answer::Refused(refusal), Vec::new()),
        Err(panic) => (Answer::Panicked { reason: text(panic.as_ref()) }, Vec::new()),
    }
}

fn unloaded(digest: &str) -> Refusal {
    Refusal::new("bad-model", format!("the model {digest} is not loaded"))
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

fn load(file: Vec<u8>) -> Result<Model, Refusal> {
    Model::load(file).map_err(|error| {
        let code = if error.kind() == LoadErrorKind::OperatorInvalid { "unsupported" } else { "bad-model" };
        Refusal::new(code, error.to_string())
    })
}

fn names(model: &Model) -> Result<Names, Refusal> {
    let all = |ids: &[NodeId]| ids.iter().map(|id| name(model, *id)).collect::<Option<Vec<_>>>();
    let (inputs, outputs) = (all(model.input_ids()), all(model.output_ids()));
    let names = inputs.zip(outputs).map(|(inputs, outputs)| Names { inputs, outputs });
    names.filter(Names::is_bounded).ok_or_else(|| {
        let message =
            "an input or output has no name, a name of more than 256 bytes, or there are more than 64";
        Refusal::new("bad-model", message)
    })
}

fn name(model: &Model, id: NodeId) -> Option<String> {
    model.node_info(id)?.name().map(str::to_owned)
}

fn compute(
    model: &Model,
    headers: Vec<TensorHeader>,
    data: Vec<Vec<u8>>,
) -> Result<Vec<NamedTensor>, Refusal> {
    let bad = |message: String| Refusal::new("bad-input", message);
    let mut inputs = Vec::new();
    for (header, data) in headers.into_iter().zip(data) {
        let is_it = |id: &&NodeId| name(model, **id).as_ref() == Some(&header.name);
        let id = *model.input_ids().iter().find(is_it).ok_or_else(|| {
            let known = names(model).map(|names| names.inputs.join(", ")).unwrap_or_default();
            bad(format!("the model has no input {:?}; its inputs: {known}", header.name))
        })?;
        if inputs.iter().any(|(given, _)| *given == id) {
            return Err(bad(format!("input {:?} is given twice", header.name)));
        }
        inputs.push((id, tensor::value(&NamedTensor { header, data })?.into()));
    }
    let values = model.run(inputs, model.output_ids(), None).map_err(|error| {
        let message = error.to_string();
        let unsupported = error.kind() == RunErrorKind::OperatorError && message.contains("unsupported");
        Refusal::new(if unsupported { "unsupported" } else { "bad-input" }, message)
    })?;
    outputs(model, &values)
}

fn outputs(model: &Model, values: &[Value]) -> Result<Vec<NamedTensor>, Refusal> {
    // Before anything is copied: four bytes hold any element.
    let elements: usize = values.iter().map(|value| value.as_view().shape().iter().product::<usize>()).sum();
    let too_large = || {
        let message =
            format!("the outputs have {elements} elements, and {TENSOR_BYTES_MAX} bytes are allowed");
        Refusal::new("too-large", message)
    };
    if elements > TENSOR_BYTES_MAX {
        return Err(too_large());
    }
    let named = model.output_ids().iter().zip(values);
    let named: Vec<NamedTensor> = named
        .map(|(id, value)| tensor::named(name(model, *id).unwrap_or_default(), value))
        .collect::<Result<_, _>>()?;
    let headers: Vec<TensorHeader> = named.iter().map(|tensor| tensor.header.clone()).collect();
    output_lengths(&headers).map(|_| named).ok_or_else(too_large)
}
