//! Documents → DOCX, XLSX, PNG and ICS files.
