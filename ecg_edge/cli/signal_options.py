"""The options that state what a recording's file does not say."""

import functools

import click


def signal_options(command):
    """Add --fs, --units, --leads and --rename-lead to a command, which gets them as `stated`, arguments of the API."""

    @click.option("--fs", type=float, help="Sampling rate in Hz, where the file does not say it.")
    @click.option("--units", help="mV, uV, V, nV or NU (normalised), where the file does not say it.")
    @click.option("--leads", default="", help="Names of the signal's columns, such as I,II.")
    @click.option("--rename-lead", multiple=True, metavar="OLD=NEW", help='For example "Lead A=V1"; repeatable.')
    @functools.wraps(command)
    def with_stated(*args, fs, units, leads, rename_lead, **others):
        from ecg_edge.records.signal_description import describe_signal

        stated = {"fs": fs, "units": units, "leads": leads, "rename_leads": rename_lead}
        describe_signal(**stated)  # refuses what cannot be meant, before anything is read
        return command(*args, stated=stated, **others)

    return with_stated
