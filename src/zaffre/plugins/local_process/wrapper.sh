# Runs one task and writes down how it ended. Built-ins only: it must work with any PATH and cost next to nothing.
#
#   sh wrapper.sh CLAIM BOOT FOLDER [-piped CAT SLEEP] [LIMIT VALUE]... -- PROGRAM ARGUMENT...
#
# CLAIM gets the line "<pid> <boot>" before the command starts and "exit <status>" when it has ended, through one
# descriptor that stays open: the second line lands in the block that the first one occupies, so a full disk does not
# lose it. Creating CLAIM is exclusive: who finds it there does not run. One compound command, so that the shell has
# read all of it before anything runs and an upgrade of this file changes nothing under a running task.
#
# -piped: the standard streams are a pipe, which CAT brings from descriptor 8 to the log, 7. It must outlast the
# command to the last byte, so it ignores every signal, and is waited for; but not for ever, as a daemon that the
# command left behind keeps the pipe open.
{
  trap : HUP INT QUIT TERM USR1 USR2 ALRM # a signal to the whole group must not cost us the exit status
  set -C
  { command exec 9>"$1"; } 2>/dev/null || exit 125 # `command`: a failing exec must not choose the status itself
  set +C
  echo "$$ $2" >&9 || exit 125
  __zaffre_pump=
  if [ "$4" = -piped ]; then
    (
      trap '' HUP INT QUIT TERM USR1 USR2 ALRM
      exec 9>&-
      exec <&8 >&7 2>/dev/null 7>&- 8<&-
      until "$5"; do "$6" 1; done # it fails on a full disk, and then the command must wait, not die of a broken pipe
    ) &
    __zaffre_pump=$! __zaffre_sleep=$6
    exec 7>&- 8<&-
  fi
  (
    exec 9>&-
    cd -- "$3" || exit 126
    unset OLDPWD
    shift 3
    [ "$1" != -piped ] || shift 3
    while [ "$1" != -- ]; do
      ulimit "$1" "$2" || exit 126
      shift 2
    done
    shift
    unset __zaffre_pump __zaffre_sleep
    exec "$@"
  )
  __zaffre_status=$?
  if [ -n "$__zaffre_pump" ]; then
    exec >&- 2>&-
    __zaffre_waited=0
    while [ -e "/proc/$__zaffre_pump/fd/0" ] && [ "$__zaffre_waited" -lt 100 ]; do
      "$__zaffre_sleep" 0.02
      __zaffre_waited=$((__zaffre_waited + 1))
    done
  fi
  echo "exit $__zaffre_status" >&9
  exit "$__zaffre_status"
}
