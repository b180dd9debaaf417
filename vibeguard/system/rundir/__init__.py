"""The state folder `.vibeguard` and the run folders in it: names, modes, references, requests.

Paths are absolute `str`. Folders are 0700 and files 0600, whatever the umask.

    .vibeguard/
      .gitignore            holds `*`
      latest                symlink to the newest run folder (a small file where there are none)
      order                 which runs were started, and their seals
      foreign/              what was found in runs/ that no supervisor has put there
      refused               that a start was refused, and why
      runs/<run id>/        events.jsonl, output/, control/
"""
