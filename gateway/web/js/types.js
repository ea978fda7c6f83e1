// @ts-check
/**
 * The answers of the API as the pages see them (proto3 JSON: enums by name, int64 as text, absent messages left out).
 * Only types: nothing runs here. The contract is proto/mpp/queue/v1.
 *
 * @typedef {{
 *   id: string, number: string, token: string, hallId: string, serviceId: string, agencyId: string, state: string,
 *   businessDate: string, version: number, priority: string, assistance: string[], partySize: number,
 *   arrivalTime?: string, appointmentTime?: string, queueTime?: string, callCount: number, callTime?: string,
 *   startTime?: string, endTime?: string, counterId: string, note: string, notBefore?: string,
 *   verbs: string[], undoUntil?: string
 * }} Ticket
 *
 * @typedef {{
 *   id: string, number: string, name: string, agencyCode: string, agencyId: string, zoneCode: string,
 *   serviceCodes: string[], hallId: string, state: string, openServiceIds: string[], currentTicketId: string,
 *   reason: string, staffId: string, openTime?: string, changeTime?: string
 * }} Counter
 *
 * @typedef {{id: string, code: string, name: string, nameEn: string, agencyCode: string, agencyId: string, retired: boolean}} Service
 * @typedef {{id: string, code: string, name: string, dailyLimitPerPerson: number}} Agency
 * @typedef {{code: string, name: string}} Zone
 * @typedef {{agencyId: string, serviceId: string, reason: string}} IntakeStop
 * @typedef {{date: string, state: string, openTime?: string, closeTime?: string, intakeStops: IntakeStop[]}} Day
 * @typedef {{
 *   id: string, code: string, name: string, timeZone: string, calendar: string, zones: Zone[], agencies: Agency[], services: Service[],
 *   counters: Counter[], day?: Day
 * }} Hall
 *
 * @typedef {{minMinutes: number, maxMinutes: number}} Estimate
 * @typedef {{
 *   id: string, code: string, name: string, nameEn: string, agencyId: string, agencyName: string, state: string,
 *   quotaLeft?: number, waiting: number, estimate?: Estimate, reason: string, openCounters: number,
 *   requirements: string[], hoursToday: string
 * }} ServiceStatus
 *
 * @typedef {{serviceId: string, waiting: number, longestWaitSeconds: number}} WaitingService
 * @typedef {{
 *   seq: string, counter: Counter, current?: Ticket, waiting: number, services: WaitingService[], queue: Ticket[],
 *   parked: Ticket[], noShows: Ticket[], finished: number, nextTicketId: string, nextReason: string, time: string,
 *   day?: Day
 * }} CounterDesk
 *
 * @typedef {{
 *   counterId: string, number: string, zoneCode: string, agencyName: string, state: string, ticketNumber: string,
 *   callTime?: string, reason: string
 * }} BoardCounter
 * @typedef {{
 *   id: string, ticketNumber: string, counterNumber: string, zoneCode: string, repeat: number, time: string,
 *   speech: string, clips: string[], agencyName: string
 * }} Announcement
 * @typedef {{
 *   hallId: string, hallName: string, seq: string, time: string, counters: BoardCounter[], lastCalls: Announcement[],
 *   zones: Zone[], timeZone: string
 * }} Board
 * @typedef {{
 *   seq: string, epoch: string, time: string, snapshot?: Board, counters: BoardCounter[], announcements: Announcement[]
 * }} BoardFrame
 *
 * @typedef {{counter: Counter, ticket?: Ticket, finished: number}} ControlCounter
 * @typedef {{
 *   agencyId: string, name: string, waiting: number, openCounters: number, longestWaitSeconds: number, issued: number,
 *   finished: number, parked: number
 * }} ControlAgency
 * @typedef {{
 *   kind: string, agencyId: string, serviceId: string, counterId: string, ticketId: string, text: string, waiting: number,
 *   seconds: number, ticketNumber: string
 * }} Alarm
 * @typedef {{
 *   seq: string, time: string, day?: Day, counters: ControlCounter[], agencies: ControlAgency[], alarms: Alarm[]
 * }} ControlRoom
 *
 * @typedef {{
 *   key: string, issued: number, served: number, noShow: number, cancelled: number, transferred: number,
 *   expired: number, open: number, waitP50Seconds: number, waitP90Seconds: number,
 *   serviceP50Seconds: number, tickets: number, received: number, restored: number
 * }} StatisticsRow
 * @typedef {{
 *   date: string, total?: StatisticsRow, services: StatisticsRow[], agencies: StatisticsRow[],
 *   counters: StatisticsRow[], hours: StatisticsRow[]
 * }} Statistics
 *
 * @typedef {{
 *   number: string, state: string, hallName: string, serviceName: string, serviceNameEn: string, agencyName: string,
 *   counterNumber: string, zoneName: string, peopleAhead: number, estimate?: Estimate, open: boolean, time?: string
 * }} PublicTicket
 *
 * @typedef {{role: string, hallId: string, agencyId: string, counterIds: string[]}} Grant
 * @typedef {{
 *   account?: {id: string, displayName: string, grants: Grant[]},
 *   device?: {id: string, hallId: string, label: string},
 *   permissions: string[]
 * }} Session
 */
export {};
