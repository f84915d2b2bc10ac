# The header for doxygen: its sections become groups, and the comment at its top becomes that of the file.

NR == 1 {
    print "/** @file"
    next
}

/^\/\* .* -+ \*\/$/ {
    heading = $0
    gsub(/^\/\* | -+ \*\/$/, "", heading)
    id = tolower(heading)
    gsub(/[^a-z]+/, "_", id)
    printf "%s/** @defgroup %s %s\n * @{ */\n", open ? "/** @} */" : "", id, heading
    open = 1
    next
}

# A table: indented by three.
/^ \*   / != table {
    table = !table
    print table ? " * @verbatim" : " * @endverbatim"
}

/^#ifdef __cplusplus$/ && open {
    print "/** @} */"
}

{ print }
