//! A PDF file that is written an object at a time, so that none but the one on its
//! way is in memory; what is kept of the others is where they begin.

use std::cell::Cell;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Chunk, Filter, Finish, Name, Ref, Settings, Str, Stream};

use crate::documents::error::DocumentError;

/// Numbers of objects, each given once.
#[derive(Default)]
pub(super) struct Numbers(Cell<i32>);

impl Numbers {
    pub(super) fn next(&self) -> Ref {
        self.0.set(self.0.get() + 1);
        Ref::new(self.0.get())
    }

    fn count(&self) -> usize {
        usize::try_from(self.0.get()).unwrap_or_default()
    }
}

/// A file that is being written.
pub(super) struct PdfFile<W> {
    out: W,
    pub(super) numbers: Numbers,
    size_bytes: u64,
    size_bytes_max: u64,
    /// Where each object begins; 0: not written.
    places: Vec<u64>,
}

impl<W: Write> PdfFile<W> {
    /// Begins one that becomes no larger than `size_bytes_max`.
    pub(super) fn begin(out: W, size_bytes_max: u64) -> Result<Self, DocumentError> {
        let numbers = Numbers::default();
        let mut file = Self { out, numbers, size_bytes: 0, size_bytes_max, places: Vec::new() };
        // Bytes above 127 tell programs that copy files that it is no text.
        file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")?;
        Ok(file)
    }

    /// Writes the object in `chunk`, which has no other.
    pub(super) fn put(&mut self, chunk: &Chunk) -> Result<(), DocumentError> {
        for id in chunk.refs() {
            let index = usize::try_from(id.get()).unwrap_or_default();
            if self.places.len() <= index {
                self.places.resize(index + 1, 0);
            }
            self.places[index] = self.size_bytes;
        }
        self.write(chunk.as_bytes())
    }

    /// Writes a stream that is packed here; `entries` adds to its dictionary.
    pub(super) fn put_packed(
        &mut self,
        data: &[u8],
        entries: impl FnOnce(&mut Stream<'_>),
    ) -> Result<Ref, DocumentError> {
        let id = self.numbers.next();
        let packed = packed(data).map_err(|error| unwritable(&error))?;
        let mut chunk = new_chunk();
        let mut stream = chunk.stream(id, &packed);
        stream.filter(Filter::FlateDecode);
        entries(&mut stream);
        stream.finish();
        self.put(&chunk)?;
        Ok(id)
    }

    /// Ends it; `identity` tells it from every other file.
    pub(super) fn finish(mut self, catalog: Ref, info: Ref, identity: &[u8]) -> Result<(), DocumentError> {
        let table = self.size_bytes;
        let count = self.numbers.count() + 1;
        self.places.resize(count, 0);
        self.write(format!("xref\n0 {count}\n").as_bytes())?;
        for index in 0..count {
            let line = match self.places[index] {
                0 => "0000000000 65535 f\r\n".to_owned(),
                place => format!("{place:010} 00000 n\r\n"),
            };
            self.write(line.as_bytes())?;
        }
        let mut trailer = new_chunk();
        let mut dict = trailer.indirect(Ref::new(1)).dict();
        dict.pair(Name(b"Size"), i32::try_from(count).unwrap_or(i32::MAX));
        dict.pair(Name(b"Root"), catalog);
        dict.pair(Name(b"Info"), info);
        dict.insert(Name(b"ID")).array().item(Str(identity)).item(Str(identity));
        dict.finish();
        // A trailer is a dictionary that is no object.
        let bytes = trailer.as_bytes();
        let from = bytes.windows(2).position(|two| two == b"<<").unwrap_or_default();
        let to = bytes.windows(2).rposition(|two| two == b">>").unwrap_or(bytes.len() - 2) + 2;
        self.write(b"trailer\n")?;
        self.write(&bytes[from..to])?;
        self.write(format!("\nstartxref\n{table}\n%%EOF\n").as_bytes())?;
        self.out.flush().map_err(|error| unwritable(&error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DocumentError> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > self.size_bytes_max {
            return Err(DocumentError::ResultTooLarge { size_bytes_max: self.size_bytes_max });
        }
        self.out.write_all(bytes).map_err(|error| unwritable(&error))
    }
}

/// For one object, written as compactly as may be.
pub(super) fn new_chunk() -> Chunk {
    Chunk::with_settings(Settings { pretty: false })
}

/// `data`, as `FlateDecode` unpacks it.
pub(super) fn packed(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data)?;
    encoder.finish()
}

fn unwritable(error: &io::Error) -> DocumentError {
    DocumentError::RendererUnavailable(format!("the PDF can't be handed over: {error}"))
}
