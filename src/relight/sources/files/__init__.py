"""Files that people saved: told apart by content, checked whole, then handed on as reports.

Reads files and standard input; makes `model.reports.Report`s; never touches the store.
"""
