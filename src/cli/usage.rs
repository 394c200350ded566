//! Parses the command line and speaks Russian about it: help pages and what is wrong with a call.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches};

use super::args::Args;
use super::exit::Exit;
use super::output::complain;
use crate::message::Problem;

/// Layout of every help page; the library's own has English headings.
const PAGE: &str = "{about-with-newline}\nВызов: {usage}\n\n{all-args}";

/// The arguments, or the exit code of a call that was help, version or a mistake.
pub(super) fn parse() -> Result<Args, Exit> {
    let matches = command().try_get_matches();
    matches
        .and_then(|matches| Args::from_arg_matches(&matches))
        .map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                let _nobody_reads = error.print();
                Exit::Fine
            }
            // A verb that needs another word was given alone: its page says which words there are.
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                let _nobody_reads = error.print();
                Exit::Usage
            }
            _ => {
                complain(&wrong_call(&error));
                Exit::Usage
            }
        })
}

fn command() -> Command {
    let root = Args::command();
    let name = root.get_name().to_owned();
    russian(root, &name)
}

/// Gives a command and everything under it Russian headings.
fn russian(command: Command, path: &str) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    let usage = usage(&command, path);
    let headed = command
        .help_template(PAGE)
        .override_usage(usage)
        .subcommand_help_heading("Команды")
        .subcommand_value_name("КОМАНДА")
        .mut_args(|arg| {
            let heading = if arg.is_positional() {
                "Что указать"
            } else {
                "Ключи"
            };
            arg.help_heading(heading)
        });
    names.into_iter().fold(headed, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |verb| russian(verb, &path))
    })
}

/// `msoko report render [ключи] --period <ПЕРИОД> --out <ПАПКА> <ВИД>`.
fn usage(command: &Command, path: &str) -> String {
    let mut usage = format!("{path} [ключи]");
    let needed = |arg: &&Arg| !arg.is_positional() && arg.is_required_set();
    for arg in command.get_arguments().filter(needed) {
        usage.push_str(&format!(
            " --{} <{}>",
            arg.get_long().unwrap_or_default(),
            value_name(arg)
        ));
    }
    for arg in command.get_positionals() {
        let name = value_name(arg);
        let dots = if matches!(arg.get_action(), ArgAction::Append) {
            "…"
        } else {
            ""
        };
        usage.push_str(&if arg.is_required_set() {
            format!(" <{name}>{dots}")
        } else {
            format!(" [{name}]{dots}")
        });
    }
    if command.has_subcommands() {
        usage.push_str(" <КОМАНДА>");
    }
    usage
}

fn value_name(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")
}

/// What is wrong with a call, as a problem of the catalogue.
fn wrong_call(error: &clap::Error) -> Problem {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let hint = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ]
    .into_iter()
    .map(text)
    .find(|suggested| !suggested.is_empty())
    .map_or_else(String::new, |suggested| format!("; возможно, «{suggested}»"));
    let arg = text(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::InvalidSubcommand => Problem::new("MSK-USE-06")
            .arg("what", text(ContextKind::InvalidSubcommand))
            .arg("hint", hint),
        ErrorKind::UnknownArgument => Problem::new("MSK-USE-06").arg("what", arg).arg("hint", hint),
        ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand => Problem::new("MSK-USE-07").arg(
            "what",
            if arg.is_empty() {
                "команда".to_owned()
            } else {
                arg
            },
        ),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::NoEquals => {
            let value = text(ContextKind::InvalidValue);
            let known = text(ContextKind::ValidValue);
            if value.is_empty() {
                return Problem::new("MSK-USE-07").arg("what", format!("значение ключа {arg}"));
            }
            let expected = match (known.is_empty(), arg.contains("ДАТА")) {
                (false, _) => format!("; допустимы: {known}"),
                (true, true) => "; дата пишется так: 2026-02-16".to_owned(),
                (true, false) => String::new(),
            };
            Problem::new("MSK-USE-08")
                .arg("value", value)
                .arg("what", arg)
                .arg("expected", expected)
        }
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg);
            let what = if other.is_empty() || other == arg {
                format!("{arg} указан дважды")
            } else {
                format!("{arg} и {other} не указывают вместе")
            };
            Problem::new("MSK-USE-09").arg("what", what)
        }
        _ => Problem::new("MSK-USE-09").arg(
            "what",
            if arg.is_empty() {
                "недопустимые знаки".to_owned()
            } else {
                arg
            },
        ),
    }
}
