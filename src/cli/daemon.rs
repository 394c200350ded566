//! `run` and `reload`.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::exit::Exit;
use super::output::{Output, remark};
use super::{Ended, knowledge};
use crate::daemon::{self, Answer, ask_reload, socket_path};
use crate::message::Problem;

/// Whatever is wrong with the files, a cron text or a missing roadmap included, the code is the one that keeps the
/// supervisor from trying again.
pub(super) async fn run(path: &Path) -> Ended {
    daemon::run(path, knowledge(path)?).await?;
    Ok(Exit::Fine)
}

pub(super) async fn reload(out: &mut Output, path: &Path, wait: u64) -> Ended {
    // A wrong configuration must not keep the administrator from asking: only the place of the socket is needed.
    let socket = match crate::config::load(path) {
        Ok(config) => socket_path(&config),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(Problem::ru_line).collect();
            return Ok(rejected(out, &lines));
        }
    };
    match ask_reload(&socket, Duration::from_secs(wait)).await? {
        Answer::Applied => {
            out.line("Настройка применена.");
            out.object(&json!({ "applied": true }));
            Ok(Exit::Fine)
        }
        Answer::Rejected(lines) => {
            let exit = rejected(out, &lines);
            remark("Прежняя настройка остаётся в силе.");
            Ok(exit)
        }
    }
}

fn rejected(out: &mut Output, lines: &[String]) -> Exit {
    for line in lines {
        remark(line);
    }
    out.object(&json!({ "applied": false, "problems": lines }));
    Exit::Config
}
