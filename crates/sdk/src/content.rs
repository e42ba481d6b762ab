//! Bodies that are not JSON.

use bytes::Bytes;

/// Longest start of a file by which its type is told.
const SIGNATURES: &[(&[u8], &str, &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF8", "image/gif", "gif"),
    (b"\x00\x00\x01\x00", "image/x-icon", "ico"),
];

/// A file to upload.
///
/// ```
/// use oktant_sdk::Upload;
///
/// let logo = Upload::from(&b"\x89PNG\r\n\x1a\n..."[..]);
/// assert_eq!(logo, Upload::new("file.png", "image/png", &b"\x89PNG\r\n\x1a\n..."[..]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    file_name: String,
    media_type: String,
    bytes: Bytes,
}

impl Upload {
    /// A file with its name and type.
    pub fn new(file_name: impl Into<String>, media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { file_name: file_name.into(), media_type: media_type.into(), bytes: bytes.into() }
    }

    /// Media type and body of a form (RFC 7578) that holds the file in `field`.
    pub(crate) fn form(&self, field: &str) -> (String, Bytes) {
        let boundary = self.boundary();
        let name = self.file_name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: {}\r\n\r\n",
            self.media_type
        );
        let body = [head.as_bytes(), &self.bytes, b"\r\n--", boundary.as_bytes(), b"--\r\n"].concat();
        (format!("multipart/form-data; boundary={boundary}"), body.into())
    }

    /// A line that the file does not hold.
    fn boundary(&self) -> String {
        let held = |boundary: &String| self.bytes.windows(boundary.len()).any(|part| part == boundary.as_bytes());
        let mut candidates = (0_u64..).map(|number| format!("oktant-{number:020}"));
        candidates.find(|boundary| !held(boundary)).expect("a file is finite")
    }
}

/// Tells PNG, JPEG, GIF and ICO by their first bytes.
impl From<Bytes> for Upload {
    fn from(bytes: Bytes) -> Self {
        let known = SIGNATURES.iter().find(|(signature, ..)| bytes.starts_with(signature));
        let (media_type, suffix) =
            known.map_or(("application/octet-stream", "bin"), |(_, media_type, suffix)| (media_type, suffix));
        Self::new(format!("file.{suffix}"), media_type, bytes)
    }
}

impl From<Vec<u8>> for Upload {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&[u8]> for Upload {
    fn from(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes).into()
    }
}

/// A signed certificate, in one of the three forms that are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Bytes,
}

impl Certificate {
    /// PEM text.
    pub fn pem(text: impl Into<String>) -> Self {
        Self { media_type: "application/x-pem-file", bytes: text.into().into() }
    }

    /// DER, sent as `application/pkix-cert`.
    pub fn der(bytes: impl Into<Bytes>) -> Self {
        Self { media_type: "application/pkix-cert", bytes: bytes.into() }
    }

    /// A `.cer` file, sent as `application/x-x509-ca-cert`.
    pub fn cer(bytes: impl Into<Bytes>) -> Self {
        Self { media_type: "application/x-x509-ca-cert", bytes: bytes.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_the_file_between_its_boundaries() {
        let (media_type, body) = Upload::new("a\"b.png", "image/png", "x\r\ny").form("file");
        assert_eq!(media_type, "multipart/form-data; boundary=oktant-00000000000000000000");
        assert_eq!(
            body,
            "--oktant-00000000000000000000\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"a%22b.png\"\r\n\
             Content-Type: image/png\r\n\r\n\
             x\r\ny\r\n\
             --oktant-00000000000000000000--\r\n"
        );
    }

    #[test]
    fn the_boundary_is_one_that_the_file_does_not_hold() {
        let (media_type, _) = Upload::from(b"--oktant-00000000000000000000".to_vec()).form("file");
        assert!(media_type.ends_with("oktant-00000000000000000001"));
    }

    #[test]
    fn images_are_told_by_their_first_bytes() {
        for (bytes, media_type) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a", "image/gif"),
            (b"\x00\x00\x01\x00\x01", "image/x-icon"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(Upload::from(bytes).media_type, media_type);
        }
    }
}
