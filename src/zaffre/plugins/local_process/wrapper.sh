# Runs one task and writes down how it ended. Built-ins only: it must work with any PATH and cost next to nothing.
#
#   sh wrapper.sh CLAIM BOOT FOLDER [LIMIT VALUE]... -- PROGRAM ARGUMENT...
#
# CLAIM gets the line "<pid> <boot>" before the command starts and "exit <status>" when it has ended, through one
# descriptor that stays open: the second line lands in the block that the first one occupies, so a full disk does not
# lose it. Creating CLAIM is exclusive: who finds it there does not run. One compound command, so that the shell has
# read all of it before anything runs and an upgrade of this file changes nothing under a running task.
{
  trap : HUP INT QUIT TERM USR1 USR2 ALRM # a signal to the whole group must not cost us the exit status
  set -C
  { command exec 9>"$1"; } 2>/dev/null || exit 125 # `command`: a failing exec must not choose the status itself
  set +C
  echo "$$ $2" >&9 || exit 125
  (
    exec 9>&-
    cd -- "$3" || exit 126
    unset OLDPWD
    shift 3
    while [ "$1" != -- ]; do
      ulimit "$1" "$2" || exit 126
      shift 2
    done
    shift
    exec "$@"
  )
  __zaffre_status=$?
  echo "exit $__zaffre_status" >&9
  exit "$__zaffre_status"
}
