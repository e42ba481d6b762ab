//! Apache Parquet. A file without its footer, which comes last, cannot be read at all.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use oktant_base::Code;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Encoder;

/// A row group is written once it holds this many bytes, which bounds the memory.
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;

pub(super) struct Parquet {
    writer: ArrowWriter<Vec<u8>>,
}

impl Parquet {
    pub(super) fn new(schema: SchemaRef) -> Result<Self, ArrowError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("oktant ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Self { writer: ArrowWriter::try_new(Vec::new(), schema, Some(properties))? })
    }
}

impl Encoder for Parquet {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.writer.write(batch)?;
        if self.writer.memory_size() >= ROW_GROUP_BYTES {
            self.writer.flush()?;
        }
        // The writer counts its own offsets, so what it has written may be taken away.
        out.append(self.writer.inner_mut());
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.writer.finish()?;
        out.append(self.writer.inner_mut());
        Ok(())
    }

    fn abandon(&mut self, _code: Code, _out: &mut Vec<u8>) {}
}
