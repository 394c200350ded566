//! `run` and `reload`.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::exit::Exit;
use super::output::{Output, remark};
use super::{Ended, knowledge};
use crate::daemon::{self, Answer, ask_reload, socket_path};

pub(super) async fn run(path: &Path) -> Ended {
    daemon::run(path, knowledge(path)?).await?;
    Ok(Exit::Fine)
}

pub(super) async fn reload(out: &mut Output, path: &Path, wait: u64) -> Ended {
    // A wrong configuration must not keep the administrator from asking: only the place of the socket is needed.
    let socket = match crate::config::load(path) {
        Ok(config) => socket_path(&config),
        Err(problems) => {
            for problem in &problems {
                remark(&problem.ru_line());
            }
            return Ok(Exit::Config);
        }
    };
    match ask_reload(&socket, Duration::from_secs(wait)).await? {
        Answer::Applied => {
            out.line("Настройка применена.");
            out.object(&json!({ "applied": true }));
            Ok(Exit::Fine)
        }
        Answer::Rejected(lines) => {
            for line in &lines {
                remark(line);
            }
            remark("Прежняя настройка остаётся в силе.");
            out.object(&json!({ "applied": false, "problems": lines }));
            Ok(Exit::Config)
        }
    }
}
