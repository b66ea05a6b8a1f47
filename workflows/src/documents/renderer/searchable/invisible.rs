//! The content of a page without the text that an earlier recognition laid over it:
//! what is shown in the mode that is not seen (ISO 32000-1, table 106), and forms that
//! have nothing else.

use hayro::hayro_syntax::content::{Instruction, UntypedIter};
use hayro::hayro_syntax::object::{Name as PdfName, Object, Stream};
use hayro::hayro_syntax::page::Page;
use pdf_writer::Content;

use super::copy::{put, put_entries};

/// States of drawing within states; more are taken for the outermost.
const STATES_MAX: usize = 1_000;

const SHOWING: [&[u8]; 4] = [b"Tj", b"TJ", b"'", b"\""];

/// Operators that leave something to be seen.
const PAINTING: [&[u8]; 13] =
    [b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*", b"S", b"s", b"sh", b"Do", b"BI", b"EI"];

/// Operators of the page without its invisible text; `None` if it has none.
pub(super) fn without_invisible_text(page: &Page<'_>) -> Option<Vec<u8>> {
    let mut modes = Modes::default();
    let (mut kept, mut is_changed) = (Vec::new(), false);
    let mut operations = page.operations();
    while let Some(operation) = operations.next() {
        let is_invisible = match &operation.operator[..] {
            b"Do" => is_invisible_form(page, &operation),
            name => modes.enter(name, &operation) && SHOWING.contains(&name),
        };
        if is_invisible {
            is_changed = true;
        } else {
            write(&operation, &mut kept);
        }
    }
    is_changed.then_some(kept)
}

/// How text is shown, and was outside.
#[derive(Default)]
struct Modes {
    mode: i64,
    outside: Vec<i64>,
}

impl Modes {
    /// Takes the operator into account; whether text is invisible then.
    fn enter(&mut self, name: &[u8], operation: &Instruction<'_, '_>) -> bool {
        match name {
            b"q" if self.outside.len() < STATES_MAX => self.outside.push(self.mode),
            b"Q" => self.mode = self.outside.pop().unwrap_or(self.mode),
            b"Tr" => {
                if let Some(Object::Number(mode)) = operation.operands().next() {
                    self.mode = mode.as_i64();
                }
            }
            _ => {}
        }
        self.mode == 3
    }
}

fn is_invisible_form(page: &Page<'_>, operation: &Instruction<'_, '_>) -> bool {
    let Some(Object::Name(name)) = operation.operands().next() else { return false };
    let Some(form) = page.resources().get_x_object(name) else { return false };
    form.dict().get::<PdfName<'_>>(b"Subtype").is_some_and(|kind| &kind[..] == b"Form") && is_invisible(&form)
}

/// Whether text that is not seen is all that a form shows.
fn is_invisible(form: &Stream<'_>) -> bool {
    let Ok(data) = form.decoded_data() else { return false };
    let (mut modes, mut has_text) = (Modes::default(), false);
    let mut operations = UntypedIter::new(&data);
    while let Some(operation) = operations.next() {
        let name = &operation.operator[..];
        let invisible = modes.enter(name, &operation);
        if PAINTING.contains(&name) || SHOWING.contains(&name) && !invisible {
            return false;
        }
        has_text |= SHOWING.contains(&name);
    }
    has_text
}

fn write(operation: &Instruction<'_, '_>, into: &mut Vec<u8>) {
    let Ok(name) = std::str::from_utf8(operation.operator) else { return };
    let mut content = Content::new();
    if let (b"BI", Some(Object::Stream(picture))) = (&operation.operator[..], operation.operands().next()) {
        // Written as the operand of an operator, whose brackets an inline picture has not.
        put_entries(picture.dict(), &mut content.op("ID").obj().dict(), &[], &mut |_| None, 0);
        let head = content.finish();
        let entries = head.strip_prefix(b"<<").and_then(|head| head.strip_suffix(b"ID")).unwrap_or_default();
        let entries = entries.trim_ascii_end().strip_suffix(b">>").unwrap_or_default();
        let data = picture.raw_data();
        // It comes with the gap before its end.
        let gap: &[u8] = if data.last().is_some_and(u8::is_ascii_whitespace) { b"" } else { b"\n" };
        for part in [b"BI ", entries, b" ID ", &data, gap, b"EI\n"] {
            into.extend_from_slice(part);
        }
        return;
    }
    let mut operator = content.op(name);
    for operand in operation.operands() {
        put(operand, operator.obj(), &mut |_| None, 0);
    }
    drop(operator);
    into.extend_from_slice(&content.finish());
    into.push(b'\n');
}

#[cfg(test)]
mod tests {
    use hayro::hayro_syntax::Pdf;

    use super::*;

    fn rewritten(content: &str) -> Option<String> {
        let content = format!("<</Length {}>>\nstream\n{content}\nendstream", content.len());
        let file = format!(
            "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n\
             2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n\
             3 0 obj\n<</Type/Page/Parent 2 0 R/Contents 4 0 R>>\nendobj\n\
             4 0 obj\n{content}\nendobj\ntrailer\n<</Root 1 0 R>>\n"
        );
        let pdf = Pdf::new(file.into_bytes()).unwrap();
        let rewritten = without_invisible_text(&pdf.pages()[0]);
        rewritten.map(|content| String::from_utf8(content).unwrap())
    }

    #[test]
    fn only_what_is_not_seen_goes() {
        assert_eq!(rewritten("BT /F 9 Tf (seen) Tj ET"), None);
        assert_eq!(
            rewritten("BT /F 9.5 Tf q 3 Tr (invisible) Tj [(a) -20 <62>] TJ Q (seen) Tj ET 1 0 0 RG")
                .unwrap(),
            "BT\n/F 9.5 Tf\nq\n3 Tr\nQ\n(seen) Tj\nET\n1 0 0 RG\n"
        );
    }

    #[test]
    fn pictures_within_the_content_stay() {
        let picture = "BI /W 2 /H 1 /CS /G /BPC 8 ID \u{1}\u{2}\nEI Q BT 3 Tr (x) Tj ET";
        let kept = rewritten(picture).unwrap();
        assert!(kept.contains("/BPC 8"), "{kept}");
        assert!(kept.contains(" ID \u{1}\u{2}\nEI\n"), "{kept:?}");
    }
}
