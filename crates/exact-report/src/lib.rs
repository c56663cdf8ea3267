//! A record in, one self-contained HTML report with plots out.
